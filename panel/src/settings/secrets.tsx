// SPDX-License-Identifier: LGPL-2.1-or-later
/** How passwords and tokens are kept, and how that is changed. */
import cockpit from "cockpit";
import {
    ActionList,
    ActionListItem,
    Button,
    Card,
    CardBody,
    CardTitle,
    DescriptionList,
    Stack,
    StackItem,
} from "@patternfly/react-core";
import type { Info } from "../api";
import { Fact } from "../detail/parts";
import { useDialogs } from "../dialogs";
import { formatNumber } from "../format";
import { SealDialog } from "./seal";

/** Says how new ones are stored. */
const SETTING = "ENCRYPT_SECRETS";

interface SecretsProps {
    info: Info;
    again: () => Promise<void>;
}

export function Secrets({ info: { settings, secrets }, again }: SecretsProps) {
    const _ = cockpit.gettext;
    const dialogs = useDialogs();
    const { sealed, plain } = secrets;
    return (
        <Card id="stored-secrets">
            <CardTitle component="h2">{_("Stored passwords")}</CardTitle>
            <CardBody>
                <Stack hasGutter>
                    <StackItem>{keptWords(sealed, plain)}</StackItem>
                    <StackItem>
                        <DescriptionList columnModifier={{ default: "1Col", sm: "3Col" }}>
                            <Fact term={_("Sealed")}>{formatNumber(sealed)}</Fact>
                            <Fact term={_("In clear")}>{formatNumber(plain)}</Fact>
                            <Fact term={_("New ones are stored")}>
                                {settings[SETTING] === true ? _("Sealed") : _("In clear")}
                                <div dir="ltr" className="getmail-setting-name">
                                    {SETTING}
                                </div>
                            </Fact>
                        </DescriptionList>
                    </StackItem>
                    <StackItem>
                        <ActionList>
                            <ActionListItem>
                                <Button
                                    variant="secondary"
                                    isAriaDisabled={!plain}
                                    onClick={() =>
                                        dialogs.show(
                                            <SealDialog
                                                action="seal"
                                                count={plain}
                                                isKept={settings[SETTING] === true}
                                                again={again}
                                            />,
                                        )
                                    }
                                >
                                    {_("Seal all")}
                                </Button>
                            </ActionListItem>
                            <ActionListItem>
                                <Button
                                    variant="secondary"
                                    isAriaDisabled={!sealed}
                                    onClick={() =>
                                        dialogs.show(
                                            <SealDialog
                                                action="unseal"
                                                count={sealed}
                                                isKept={settings[SETTING] !== true}
                                                again={again}
                                            />,
                                        )
                                    }
                                >
                                    {_("Unseal all")}
                                </Button>
                            </ActionListItem>
                        </ActionList>
                    </StackItem>
                </Stack>
            </CardBody>
        </Card>
    );
}

function keptWords(sealed: number, plain: number): string {
    const _ = cockpit.gettext;
    if (!sealed && !plain) return _("No connector has a stored password or token.");
    if (!plain) return _("Passwords and tokens are encrypted for this machine: a copy of the database is of no use elsewhere.");
    return _("Passwords and tokens in clear can be read by whoever gets a copy of the database, from a backup for example. Sealed ones are encrypted for this machine.");
}
