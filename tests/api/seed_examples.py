# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples of NethServer's connectors API, in its own JSON.

What it writes as `...` and the comma before it are left out: they are no JSON.
"""

READ_LIST = """
{
  "action": "list"
}
"""

READ_LIST_OUTPUT = """
{
  "connectors": {
    "giacomo": [
      {
        "props": {
          "Server": "test.local.net",
          "Delete": "0",
          "Time": "30",
          "status": "enabled",
          "Account": "giacomo@local.neth.eu",
          "Password": "mypass",
          "Retriever": "SimpleIMAPSSLRetriever",
          "Username": "myuser",
          "type": "getmail",
          "FilterCheck": "enabled"
        },
        "name": "myaddr@remote.com",
        "type": "getmail"
      }
    ]
  }
}
"""

READ_CHECK_CREDENTIALS = """
{
  "action": "check-credentials",
  "Retriever": "SimpleIMAPRetriever",
  "Server": "my.remotehost.com",
  "Password": "Nethesis,1234",
  "Username": "giacomo"
}
"""

READ_CHECK_CREDENTIALS_ERROR = """
{
  "type": "GenericError",
  "message": "Operation timed out after 2001 milliseconds with 0 out of 0 bytes received"
}
"""

UPDATE = """
{
  "Server": "my.remote.com",
  "Delete": "-1",
  "Time": "30",
  "status": "enabled",
  "Account": "admin@local.neth.eu",
  "Password": "Nethesis,1234",
  "Retriever": "SimpleIMAPRetriever",
  "Username": "giacomo",
  "FilterCheck": "enabled",
  "name": "external@my.remote.com",
  "action": "update"
}
"""

CREATE = """
{
  "Server": "my.remote.com",
  "Delete": "-1",
  "Time": "30",
  "status": "enabled",
  "Account": "admin@local.neth.eu",
  "Password": "Nethesis,1234",
  "Retriever": "SimpleIMAPRetriever",
  "Username": "giacomo",
  "FilterCheck": "enabled",
  "action": "create"
}
"""

UPDATE_ENABLE = """
{
  "action": "enable",
  "name": "external@my.remote.com"
}
"""

UPDATE_DISABLE = """
{
  "action": "disable",
  "name": "external@my.remote.com"
}
"""

DELETE = """
{
  "name": "external@my.remote.com"
}
"""

EXECUTE_RUN = """
{
  "name": "external@my.remote.com",
  "action": "run"
}
"""

EXECUTE_RUN_OUTPUT = """
{
  "unit": "cockpit-getmail-external@my.remote.com"
}
"""
