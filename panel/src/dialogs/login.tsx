// SPDX-License-Identifier: LGPL-2.1-or-later
/** Who logs in. Other ways than with a password stand here too, where there are any. */
import cockpit from "cockpit";
import { Button, Grid, InputGroup, InputGroupItem, TextInput } from "@patternfly/react-core";
import { EyeIcon, EyeSlashIcon } from "@patternfly/react-icons";
import { useState } from "react";
import { isolate } from "../format";
import { FieldGroup, TextField, describe, type Editor } from "./field";
import { isOtherServer } from "./form";

interface LoginProps {
    editor: Editor;
    /** The props of the one that is edited. */
    stored: Record<string, string> | undefined;
}

export function Login({ editor, stored }: LoginProps) {
    return (
        <Grid hasGutter md={6}>
            <TextField editor={editor} field="Username" dir="ltr" isRequired />
            <Password editor={editor} stored={stored} />
        </Grid>
    );
}

function Password({ editor, stored }: LoginProps) {
    const _ = cockpit.gettext;
    const [isShown, setShown] = useState(false);
    const { form } = editor;
    const isStored = stored?.Password !== undefined;
    const keep =
        isStored && isOtherServer(form, stored)
            ? cockpit.format(_("Left empty, the stored password is sent to $0."), isolate(form.Server.trim()))
            : _("Leave this empty to keep the stored password.");
    const hint = isStored && keep;
    return (
        <FieldGroup editor={editor} field="Password" hint={hint} isRequired={!isStored}>
            <InputGroup>
                <InputGroupItem isFill>
                    <TextInput
                        {...describe(editor, "Password", hint)}
                        type={isShown ? "text" : "password"}
                        dir="ltr"
                        value={form.Password}
                        placeholder={isStored ? _("Stored") : ""}
                        isRequired={!isStored}
                        onChange={(_event, value) => editor.change({ Password: value })}
                        autoComplete="new-password"
                        spellCheck={false}
                    />
                </InputGroupItem>
                <InputGroupItem>
                    <Button
                        variant="control"
                        aria-label={isShown ? _("Hide password") : _("Show password")}
                        icon={isShown ? <EyeSlashIcon /> : <EyeIcon />}
                        onClick={() => setShown(!isShown)}
                    />
                </InputGroupItem>
            </InputGroup>
        </FieldGroup>
    );
}
