# SPDX-License-Identifier: LGPL-2.1-or-later
"""A person signs in at a provider for a connector: by a code, or by the address where the browser ends."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.beyond import stored, until
from tests.browser.conftest import MESSAGES, USER, Enter
from tests.browser.panel import PHONE, Panel, Session
from tests.support.certificates import Authority
from tests.support.dovecot import Dovecot
from tests.support.installed import PASSWORD, Installed
from tests.support.oidc import Oidc

ACCOUNT = "giacomo"
NAME = "signed"
OPEN = re.compile("Open the provider.s page")


@pytest.fixture(scope="module")
def oidc() -> Iterator[Oidc]:
    with Oidc() as running:
        yield running


@pytest.fixture(scope="module")
def provider(oidc: Oidc, authority: Authority) -> Iterator[Dovecot]:
    """A mail server that believes this authorization server's tokens."""
    with Dovecot({USER: PASSWORD}, certificate=authority.issue(), oauth2=oidc.introspection()) as running:
        running.fill(USER, MESSAGES)
        yield running


@pytest.fixture
def form(panel: Panel, provider: Dovecot, installed: Installed) -> Panel:
    """The dialog for a new connector, with all that is not about signing in."""
    panel.open()
    panel.button("Add connector").first.click()
    panel.fill(Server=provider.host, Port=str(provider.imaps), Username=USER, Account=ACCOUNT)
    panel.fill(Way="oauth2")
    return panel


def tell_addresses(panel: Panel, oidc: Oidc, **more: str) -> None:
    panel.fill(Provider="custom", TokenUrl=oidc.token_url, ClientId="public", Scope="mail", **more)


def add(installed: Installed, oidc: Oidc, provider: Dovecot, **props: str) -> None:
    """Put a connector into the database for which nobody has signed in."""
    needed = {"Username": USER, "Account": ACCOUNT, **oidc.props(DeviceUrl=oidc.device_url), **props}
    installed.add(NAME, "SimpleIMAPSSLRetriever", provider.imaps, **needed)


def code_of(panel: Panel) -> str:
    code = panel.body.locator("#sign-in-code")
    expect(code).to_be_visible()
    return code.inner_text()


def link_of(panel: Panel) -> str:
    link = panel.dialog.get_by_role("link", name=OPEN)
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    expect(link).to_have_attribute("target", "_blank")
    return str(link.get_attribute("href"))


def sign_in_there(page: Page) -> None:
    """Do what the provider's pages ask for."""
    button = page.locator("button[type=submit]")
    done = page.get_by_text("Sign-in Success")
    login = page.locator("input[name=login]")
    while True:
        expect(button.or_(done).first).to_be_visible()
        if done.is_visible():
            return
        if login.count():
            login.fill(USER)
            page.locator("input[name=password]").fill("x")
        with page.expect_navigation():
            button.first.click()


def assert_signed_in(panel: Panel, installed: Installed, secrets: set[str]) -> str:
    """Look whether the machine has what it fetches with, and nobody else; return the connector's name."""
    expect(panel.dialog).to_contain_text("You are signed in")
    [(name, props)] = stored(installed).items()
    assert props["RefreshToken"]
    secrets.add(props["RefreshToken"])
    assert props["RefreshToken"] not in panel.html()
    return name


def test_sign_in_by_code(
    form: Panel, oidc: Oidc, installed: Installed, secrets: set[str], administrator: Session
) -> None:
    tell_addresses(form, oidc, DeviceUrl=oidc.device_url)
    expect(form.dialog).to_contain_text("you sign in at the provider")
    expect(form.button("Check credentials")).to_have_count(0)
    form.button("Add").click()
    expect(form.dialog.get_by_role("heading", name="Sign in at the provider")).to_be_visible()
    code = code_of(form)
    expect(form.dialog).to_contain_text("The code is valid for")
    link = link_of(form)
    assert code in link
    with form.page.context.expect_page() as opened:
        form.dialog.get_by_role("link", name=OPEN).click()
    page = opened.value
    # The provider sends it on from there.
    page.wait_for_load_state()
    assert page.evaluate("window.opener") is None
    sign_in_there(page)
    page.close()
    name = assert_signed_in(form, installed, secrets)
    form.button("Close").last.click()
    expect(form.dialog).to_have_count(0)
    installed.run(name)
    assert len(installed.mail(ACCOUNT)) == MESSAGES


def test_code_is_copied(form: Panel, oidc: Oidc) -> None:
    form.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tell_addresses(form, oidc, DeviceUrl=oidc.device_url)
    form.button("Add").click()
    code = code_of(form)
    form.button("Copy").click()
    expect(form.button("Copied")).to_be_visible()
    assert form.page.evaluate("navigator.clipboard.readText()") == code


def test_refusal_is_told_and_there_is_another_code(
    form: Panel, oidc: Oidc, installed: Installed, secrets: set[str]
) -> None:
    tell_addresses(form, oidc, DeviceUrl=oidc.device_url)
    form.button("Add").click()
    first = code_of(form)
    oidc.decline(link_of(form))
    expect(form.dialog).to_contain_text("The sign-in did not work")
    assert "RefreshToken" not in next(iter(stored(installed).values()))
    form.button("Get a new code").click()
    expect(form.body.locator("#sign-in-code")).not_to_have_text(first)
    assert code_of(form) != first
    oidc.approve(link_of(form), USER)
    assert_signed_in(form, installed, secrets)


def test_sign_in_by_the_address_where_the_browser_ends(
    form: Panel, oidc: Oidc, installed: Installed, secrets: set[str]
) -> None:
    tell_addresses(form, oidc, AuthorizationUrl=oidc.authorization_url)
    form.button("Add").click()
    redirect = oidc.sign_in(link_of(form), USER)
    secrets.add(redirect)
    field = form.body.locator("#field-redirect")
    field.fill("http://127.0.0.1:53682/?code=none&state=of-another-sign-in")
    form.button("Complete the sign-in").click()
    expect(form.error("redirect")).to_be_visible()
    expect(field).to_have_value("")
    field.fill(redirect)
    form.button("Complete the sign-in").click()
    name = assert_signed_in(form, installed, secrets)
    form.button("Close").last.click()
    installed.run(name)
    assert len(installed.mail(ACCOUNT)) == MESSAGES


def test_who_may_not_use_a_code_has_another_way(
    panel: Panel, oidc: Oidc, provider: Dovecot, installed: Installed, secrets: set[str]
) -> None:
    add(installed, oidc, provider)
    panel.open("connector", NAME)
    panel.button("Sign in").click()
    code_of(panel)
    panel.button("Sign in without a code").click()
    field = panel.body.locator("#field-redirect")
    expect(field).to_be_visible()
    field.fill(oidc.sign_in(link_of(panel), USER))
    panel.button("Complete the sign-in").click()
    assert_signed_in(panel, installed, secrets)


def test_sign_in_is_left_for_later_and_offered_again(form: Panel, oidc: Oidc, installed: Installed) -> None:
    tell_addresses(form, oidc, DeviceUrl=oidc.device_url)
    form.button("Add").click()
    code_of(form)
    form.button("Sign in later").click()
    expect(form.dialog).to_have_count(0)
    [name] = stored(installed)
    units = ["systemctl", "list-units", "--plain", "--no-legend", "cockpit-getmail@authorize-*"]
    until(lambda: not installed.machine.run(units).stdout)
    form.open("connector", name)
    expect(form.text("nobody has signed in yet")).to_be_visible()
    form.button("Sign in").click()
    code_of(form)


def test_permission_that_was_taken_back_is_given_anew(
    panel: Panel, oidc: Oidc, provider: Dovecot, installed: Installed, secrets: set[str]
) -> None:
    add(installed, oidc, provider, RefreshToken="was-good-once-5512")
    secrets.add("was-good-once-5512")
    installed.run(NAME)
    panel.open("connector", NAME)
    expect(panel.text("The provider refused to let this connector in.").first).to_be_visible()
    panel.button("Sign in").click()
    code_of(panel)
    oidc.approve(link_of(panel), USER)
    assert_signed_in(panel, installed, secrets)
    panel.button("Close").last.click()
    installed.run(NAME)
    assert len(installed.mail(ACCOUNT)) == MESSAGES
    expect(panel.button("Sign in")).to_have_count(0)


def test_provider_that_does_not_answer_is_told(
    panel: Panel, oidc: Oidc, provider: Dovecot, installed: Installed
) -> None:
    add(installed, oidc, provider, DeviceUrl="http://127.0.0.1:9/device")
    panel.open("connector", NAME)
    panel.button("Sign in").click()
    expect(panel.dialog).to_contain_text("The sign-in did not work")
    expect(panel.button("Try again")).to_be_visible()


def test_client_secret_is_kept_and_never_shown(
    panel: Panel, oidc: Oidc, provider: Dovecot, installed: Installed, secrets: set[str]
) -> None:
    secrets.add(oidc.secret)
    add(installed, oidc, provider, ClientId="basic", ClientSecret=oidc.secret, RefreshToken="r")
    panel.open()
    panel.menu(NAME, "Edit")
    expect(panel.field("ClientSecret")).to_have_value("")
    expect(panel.field("ClientSecret")).to_have_attribute("placeholder", "Stored")
    panel.fill(Account="anna")
    panel.button("Save").click()
    expect(panel.dialog).to_have_count(0)
    props = stored(installed)[NAME]
    assert (props["Account"], props["ClientSecret"]) == ("anna", oidc.secret)


def test_sign_in_on_a_phone(
    enter: Enter, administrator: Session, oidc: Oidc, provider: Dovecot, installed: Installed
) -> None:
    add(installed, oidc, provider)
    panel = enter(administrator, size=PHONE, style="dark")
    panel.open("connector", NAME)
    panel.button("Sign in").click()
    code_of(panel)
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert panel.frame.evaluate(width) <= 0
