// SPDX-License-Identifier: LGPL-2.1-or-later
/** Which mail of a mailbox is fetched. */
import cockpit from "cockpit";
import { Checkbox, FormSelectOption, Grid, InputGroup, InputGroupItem, InputGroupText, TextInput } from "@patternfly/react-core";
import { isPop3 } from "../props";
import { propWord } from "../words";
import { FaultAndHint, FieldGroup, SelectField, TextField, describe, type Editor } from "./field";
import { FolderPicker } from "./picker";
import { PreviewPart } from "./preview";

export function Selection({ editor }: { editor: Editor }) {
    const _ = cockpit.gettext;
    const isImap = !isPop3(editor.form.Retriever);
    return (
        <>
            {isImap && (
                <>
                    <FolderPicker editor={editor} />
                    <FolderMap editor={editor} />
                    <TextField
                        editor={editor}
                        field="Search"
                        dir="ltr"
                        hint={_("IMAP search criteria, such as UNSEEN or FROM anna@example.com. Empty: all messages.")}
                    />
                </>
            )}
            <Grid hasGutter md={4}>
                {isImap && <TextField editor={editor} field="Since" type="date" dir="ltr" />}
                <Size editor={editor} />
                <TextField
                    editor={editor}
                    field="MaxMessages"
                    dir="ltr"
                    inputMode="numeric"
                    hint={_("Empty: no limit. The others come by later runs.")}
                />
            </Grid>
            {isImap && <MarkSeen editor={editor} />}
            <PreviewPart editor={editor} />
        </>
    );
}

function FolderMap({ editor }: { editor: Editor }) {
    const _ = cockpit.gettext;
    return (
        <SelectField editor={editor} field="FolderMap">
            <FormSelectOption value="" label={_("All into one folder")} />
            <FormSelectOption value="keep" label={_("Into folders of the same names")} />
        </SelectField>
    );
}

function Size({ editor }: { editor: Editor }) {
    const _ = cockpit.gettext;
    const hint = _("Empty: no limit. Larger ones are passed over.");
    return (
        <FieldGroup editor={editor} field="MaxSize" hint={hint}>
            <InputGroup>
                <InputGroupItem isFill>
                    <TextInput
                        {...describe(editor, "MaxSize", hint)}
                        inputMode="decimal"
                        dir="ltr"
                        autoComplete="off"
                        value={editor.form.MaxSize}
                        onChange={(_event, MaxSize) => editor.change({ MaxSize })}
                    />
                </InputGroupItem>
                <InputGroupText>{_("MB")}</InputGroupText>
            </InputGroup>
        </FieldGroup>
    );
}

function MarkSeen({ editor: { form, faults, change } }: { editor: Editor }) {
    const _ = cockpit.gettext;
    return (
        <div>
            <Checkbox
                id="field-MarkSeen"
                label={propWord("MarkSeen")}
                description={_("Messages that were delivered here are marked as read at the provider.")}
                isChecked={form.MarkSeen === "seen"}
                isValid={!faults.MarkSeen}
                onChange={(_event, isOn) => change({ MarkSeen: isOn ? "seen" : "" })}
            />
            <FaultAndHint id="field-MarkSeen" fault={faults.MarkSeen} />
        </div>
    );
}
