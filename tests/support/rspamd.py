# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real rspamd with a private configuration, on a free port of 127.0.0.1, that asks nobody anything.

    with Rspamd() as rspamd:
        ...POST to rspamd.url...

Of its rules only GTUBE is there, and those of RULES: a message says itself, in its header X-Test-Action, what
rspamd is to answer: the name of an action, or `greylist once`.
"""

import urllib.request
from urllib.error import HTTPError

from tests.support.daemon import Daemon
from tests.support.ports import find_free_ports

MAX_MESSAGE = 3 << 20
SUBJECT = "***SPAM*** %s"
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
BINARY = b"MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
"""The beginning of a large message: words in such numbers would take rspamd long."""
CONFIGURATION = """
options {{
  pidfile = "{folder}/pid";
  filters = "";
  dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }}
  url_tld = "{folder}/tld";
  control_socket = "{folder}/control mode=0600";
  cache_file = "{folder}/symbols";
  max_message = {max_message};
  disable_hyperscan = true;
  map_watch_interval = 1h;
}}
lang_detection {{ languages_enable = ["en"]; }}
logging {{ type = "console"; level = "info"; }}
actions {{
  reject = 15;
  add_header = 6;
  rewrite_subject = 8;
  greylist = 4;
  discard = {{ flags = ["no_threshold"]; }}
  quarantine = {{ flags = ["no_threshold"]; }}
  custom = {{ flags = ["no_threshold"]; }}
  subject = "{subject}";
}}
worker "normal" {{
  bind_socket = "127.0.0.1:{port}";
  count = 1;
}}
lua = "{folder}/rules.lua";
"""
RULES = """
local seen = {}
rspamd_config:register_symbol {
  name = 'TEST_ACTION',
  type = 'prefilter',
  callback = function(task)
    local action = task:get_header('X-Test-Action')
    if not action then return end
    if action == 'greylist once' then
      local id = task:get_message_id()
      action = seen[id] and 'no action' or 'greylist'
      seen[id] = true
    end
    task:set_milter_reply {
      add_headers = {
        ['X-Test-From'] = (task:get_from('smtp') or {{}})[1].addr or '',
        ['X-Test-Rcpt'] = (task:get_recipients('smtp') or {{}})[1].addr,
        ['X-Test-Folded'] = 'first;\\r\\n\\tsecond',
        ['X-Test-Two'] = {{ value = 'a', order = 1 }, { value = 'b', order = 2 }},
      },
      remove_headers = { ['X-Test-All'] = 0, ['X-Test-Last'] = -1, ['X-Test-First'] = 1 },
    }
    if task:get_user() then task:set_pre_result('reject', 'somebody has logged in', 'test') end
    task:set_pre_result(action, 'because of ' .. action, 'test')
  end
}
"""


class Rspamd(Daemon):
    program = "rspamd"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        [self.port] = find_free_ports(1)
        (self.folder / "tld").write_text("com\n")
        (self.folder / "rules.lua").write_text(RULES)
        (self.folder / "rspamd.conf").write_text(
            CONFIGURATION.format(folder=self.folder, port=self.port, max_message=MAX_MESSAGE, subject=SUBJECT)
        )

    def arguments(self) -> list[str]:
        return ["-f", "-i", "-c", str(self.folder / "rspamd.conf")]

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/ping", timeout=5) as answer:
                return bool(answer.read().strip() == b"pong")
        except HTTPError:
            return False


def with_action(action: str, message: bytes) -> bytes:
    """Return a message for which rspamd answers this action."""
    return f"X-Test-Action: {action}\r\n".encode() + message
