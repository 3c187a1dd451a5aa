// SPDX-License-Identifier: LGPL-2.1-or-later
/** Where mail is delivered to on this side, and what looks at it before. */
import cockpit from "cockpit";
import { Checkbox, FormGroup, FormSelectOption, TextInput } from "@patternfly/react-core";
import {
    KINDS,
    destinationWords,
    exampleOf,
    formatDestination,
    kindWord,
    parseDestination,
    type Kind,
} from "../destinations";
import { isolate } from "../format";
import { propWord } from "../words";
import { FaultAndHint, SelectField, TextField, amountId, describe, type Editor } from "./field";

const AS_SET = "";

export function Delivery({ editor }: { editor: Editor }) {
    return (
        <>
            <Destination editor={editor} />
            <TextField editor={editor} field="Folder" dir="auto" hint={folderHint(editor)} />
            <Filters editor={editor} />
        </>
    );
}

function Destination({ editor }: { editor: Editor }) {
    const _ = cockpit.gettext;
    const { form, settings, change } = editor;
    const { kind, place } = parseDestination(form.Destination);
    const hint = kind ? placeHint(kind) : inForce(settings?.DESTINATION);
    return (
        <SelectField
            editor={editor}
            field="Destination"
            hint={hint}
            value={kind ?? AS_SET}
            onChange={(chosen) => {
                const next = KINDS.find((one) => one === chosen);
                change({ Destination: formatDestination({ kind: next, place: "" }) });
            }}
            beside={
                kind && (
                    <TextInput
                        {...describe(editor, "Destination", hint)}
                        id={amountId("Destination")}
                        aria-label={placeWord(kind)}
                        dir="ltr"
                        autoComplete="off"
                        spellCheck={false}
                        placeholder={exampleOf(kind)}
                        value={place}
                        onChange={(_event, value) => change({ Destination: formatDestination({ kind, place: value }) })}
                    />
                )
            }
        >
            <FormSelectOption value={AS_SET} label={_("As set for this machine")} />
            {KINDS.map((one) => (
                <FormSelectOption key={one} value={one} label={kindWord(one)} />
            ))}
        </SelectField>
    );
}

/** Return what there is to be written beside a kind. */
function placeWord(kind: Kind): string {
    const _ = cockpit.gettext;
    const words: Record<Kind, string> = {
        maildir: _("Path of the Maildir"),
        lmtp: _("Socket or host of the LMTP server"),
        command: _("Program and its arguments"),
    };
    return words[kind];
}

function placeHint(kind: Kind): string {
    const _ = cockpit.gettext;
    const words: Record<Kind, string> = {
        maildir: _("An absolute path, in which {account}, {user} and {domain} are replaced. ~/Maildir is in the home of the local account."),
        lmtp: _("unix: and the path of a socket, or host:port. The server decides where the mail goes, by sieve for example."),
        command: _("It gets each message on its standard input. {account}, {user}, {domain} and {folder} are replaced."),
    };
    return words[kind];
}

function folderHint({ form, settings }: Editor): string {
    const _ = cockpit.gettext;
    const { kind } = parseDestination(form.Destination || String(settings?.DESTINATION ?? ""));
    if (kind === "lmtp" && settings?.RECIPIENT_DELIMITER === "")
        return _("By LMTP a folder is part of the address: set RECIPIENT_DELIMITER in the settings of this machine first.");
    return _("The folder of the account that gets this mail, such as Archive/2026. Empty: its inbox.");
}

function inForce(destination: string | number | boolean | undefined): string | undefined {
    const _ = cockpit.gettext;
    if (typeof destination !== "string") return undefined;
    return cockpit.format(_("That is: $0"), destinationWords(destination));
}

function Filters({ editor }: { editor: Editor }) {
    const _ = cockpit.gettext;
    const { form, settings } = editor;
    const isAny = form.SpamCheck !== "" || form.VirusCheck !== "";
    return (
        <FormGroup role="group" label={_("Filters")} fieldId="field-filters">
            <div className="getmail-filters">
                <Filter editor={editor} field="SpamCheck" hint={spamHint(settings)} />
                <Filter
                    editor={editor}
                    field="VirusCheck"
                    hint={_("An infected message is set aside; it stays at the provider and is never delivered.")}
                />
            </div>
            {isAny && (
                <FaultAndHint
                    id="field-filters"
                    hint={_("While a filter does not answer, mail waits at the provider: nothing is delivered unchecked, and nothing is lost.")}
                />
            )}
        </FormGroup>
    );
}

function Filter({ editor, field, hint }: { editor: Editor; field: "SpamCheck" | "VirusCheck"; hint: string }) {
    const { form, faults, change } = editor;
    return (
        <div>
            <Checkbox
                id={`field-${field}`}
                label={propWord(field)}
                description={hint}
                isChecked={form[field] === "enabled"}
                isValid={!faults[field]}
                onChange={(_event, isOn) => change({ [field]: isOn ? "enabled" : "" })}
            />
            <FaultAndHint id={`field-${field}`} fault={faults[field]} />
        </div>
    );
}

function spamHint(settings: Editor["settings"]): string {
    const _ = cockpit.gettext;
    if (settings?.SPAM_REJECT === "drop")
        return _("What is plainly spam is dropped: it is not delivered. This is a setting of this machine.");
    const folder = settings?.JUNK_FOLDER;
    return cockpit.format(
        _("What is plainly spam is delivered to the folder $0. This is a setting of this machine."),
        isolate(typeof folder === "string" ? folder : "Junk"),
    );
}
