// SPDX-License-Identifier: LGPL-2.1-or-later
/** How passwords and tokens are kept, and how that is changed. */
import cockpit from "cockpit";
import {
    ActionList,
    ActionListGroup,
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
import { SettingName } from "./name";
import { SealDialog, type SealDialogProps } from "./seal";

/** Says how new ones are stored. */
const SETTING = "ENCRYPT_SECRETS";

interface SecretsProps {
    info: Info;
    again: () => Promise<void>;
}

export function Secrets({ info: { settings, secrets }, again }: SecretsProps) {
    const _ = cockpit.gettext;
    const { sealed, plain } = secrets;
    const isSealed = settings[SETTING] === true;
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
                                {isSealed ? _("Sealed") : _("In clear")}
                                <SettingName name={SETTING} />
                            </Fact>
                        </DescriptionList>
                    </StackItem>
                    <StackItem>
                        <ActionList>
                            <ActionListGroup>
                                <Change action="seal" count={plain} isKept={isSealed} again={again} />
                                <Change action="unseal" count={sealed} isKept={!isSealed} again={again} />
                            </ActionListGroup>
                        </ActionList>
                    </StackItem>
                </Stack>
            </CardBody>
        </Card>
    );
}

function Change(props: SealDialogProps) {
    const _ = cockpit.gettext;
    const dialogs = useDialogs();
    return (
        <ActionListItem>
            <Button
                variant="secondary"
                isAriaDisabled={!props.count}
                onClick={() => dialogs.show(<SealDialog {...props} />)}
            >
                {props.action === "seal" ? _("Seal all") : _("Unseal all")}
            </Button>
        </ActionListItem>
    );
}

function keptWords(sealed: number, plain: number): string {
    const _ = cockpit.gettext;
    if (!sealed && !plain) return _("No connector has a stored password or token.");
    if (!plain) return _("Passwords and tokens are encrypted for this machine: a copy of the database is of no use elsewhere.");
    return _("Passwords and tokens in clear can be read by whoever gets a copy of the database, from a backup for example. Sealed ones are encrypted for this machine.");
}
