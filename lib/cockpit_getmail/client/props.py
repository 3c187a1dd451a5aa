# SPDX-License-Identifier: LGPL-2.1-or-later
"""The props of a connector as the client's methods take them; schemas/connector.json says what each may be.

Annotations are values here, not text: of text Python 3.11 cannot tell which keys are required.
"""

from typing import Required, TypedDict


class Optional(TypedDict, total=False):
    """What no action needs. `name` and `type` are taken so that what list tells can be sent back."""

    name: str | None
    type: str
    Port: int | str
    TLS: str
    CAFile: str
    Fingerprint: str
    Password: str
    Auth: str
    Provider: str
    Tenant: str
    TokenUrl: str
    AuthorizationUrl: str
    DeviceUrl: str
    RedirectUrl: str
    ClientId: str
    ClientSecret: str
    RefreshToken: str
    Scope: str
    Grant: str
    KeyFile: str
    PasswordFile: str
    PasswordCommand: str
    ClientCert: str
    ClientKey: str
    Tunnel: str
    Folders: str
    FolderMap: str
    Search: str
    Since: str
    MaxSize: int | str
    MaxMessages: int | str
    MarkSeen: str
    Destination: str
    Folder: str
    provider_token: str
    provider_token_secret: str
    provider_consumer_key: str
    Delete: int | str
    Time: int | str
    SyncPeriod: str
    Label: str
    CallbackUrl: str
    StatusCallbackUrl: str
    status: str
    FilterCheck: str
    SpamCheck: str
    VirusCheck: str


class NewConnector(Optional, total=False):
    """What a connector is created with."""

    Retriever: Required[str]
    Server: Required[str]
    Username: Required[str]
    Account: Required[str]


class Changes(TypedDict, total=False):
    """What an update changes. None removes a prop, or gives it its default again."""

    type: str
    Retriever: str
    Server: str
    Port: int | str | None
    TLS: str | None
    CAFile: str | None
    Fingerprint: str | None
    Username: str
    Password: str
    Account: str
    Auth: str | None
    Provider: str | None
    Tenant: str | None
    TokenUrl: str | None
    AuthorizationUrl: str | None
    DeviceUrl: str | None
    RedirectUrl: str | None
    ClientId: str | None
    ClientSecret: str | None
    RefreshToken: str | None
    Scope: str | None
    Grant: str | None
    KeyFile: str | None
    PasswordFile: str | None
    PasswordCommand: str | None
    ClientCert: str | None
    ClientKey: str | None
    Tunnel: str | None
    Folders: str | None
    FolderMap: str | None
    Search: str | None
    Since: str | None
    MaxSize: int | str | None
    MaxMessages: int | str | None
    MarkSeen: str | None
    Destination: str | None
    Folder: str | None
    provider_token: str | None
    provider_token_secret: str | None
    provider_consumer_key: str | None
    Delete: int | str | None
    Time: int | str | None
    SyncPeriod: str | None
    Label: str | None
    CallbackUrl: str | None
    StatusCallbackUrl: str | None
    status: str | None
    FilterCheck: str | None
    SpamCheck: str | None
    VirusCheck: str | None


class LogIn(Changes, total=False):
    """What a log-in is checked with: with a name, what an update of this connector would change."""

    name: str | None
    account: str
