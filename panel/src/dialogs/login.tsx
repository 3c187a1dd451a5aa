// SPDX-License-Identifier: LGPL-2.1-or-later
/** Who logs in. Other ways than with a password stand here too, where there are any. */
import cockpit from "cockpit";
import { Button, Grid, InputGroup, InputGroupItem, TextInput } from "@patternfly/react-core";
import { EyeIcon, EyeSlashIcon } from "@patternfly/react-icons";
import { useState } from "react";
import { FieldGroup, TextField, describe, type Editor } from "./field";

interface LoginProps {
    editor: Editor;
    /** Whether a password is stored: then an empty field keeps it. */
    isStored: boolean;
}

export function Login({ editor, isStored }: LoginProps) {
    return (
        <Grid hasGutter md={6}>
            <TextField editor={editor} field="Username" dir="ltr" isRequired />
            <Password editor={editor} isStored={isStored} />
        </Grid>
    );
}

function Password({ editor, isStored }: LoginProps) {
    const _ = cockpit.gettext;
    const [isShown, setShown] = useState(false);
    const hint = isStored && _("Leave this empty to keep the stored password.");
    return (
        <FieldGroup editor={editor} field="Password" hint={hint} isRequired={!isStored}>
            <InputGroup>
                <InputGroupItem isFill>
                    <TextInput
                        {...describe(editor, "Password", hint)}
                        type={isShown ? "text" : "password"}
                        dir="ltr"
                        value={editor.form.Password}
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
