// SPDX-License-Identifier: LGPL-2.1-or-later
/** A field for what is never shown again: what is stored of it does not come here. */
import cockpit from "cockpit";
import { Button, InputGroup, InputGroupItem, TextInput } from "@patternfly/react-core";
import { EyeIcon, EyeSlashIcon } from "@patternfly/react-icons";
import { useState, type ReactNode } from "react";
import { FieldGroup, describe, type Editor } from "./field";

interface SecretFieldProps {
    editor: Editor;
    field: "Password" | "ClientSecret";
    isStored: boolean;
    isRequired?: boolean;
    hint?: ReactNode;
}

export function SecretField({ editor, field, isStored, isRequired = false, hint }: SecretFieldProps) {
    const _ = cockpit.gettext;
    const [isShown, setShown] = useState(false);
    const words = {
        Password: { show: _("Show password"), hide: _("Hide password") },
        ClientSecret: { show: _("Show client secret"), hide: _("Hide client secret") },
    };
    const { show, hide } = words[field];
    return (
        <FieldGroup editor={editor} field={field} hint={hint} isRequired={isRequired}>
            <InputGroup>
                <InputGroupItem isFill>
                    <TextInput
                        {...describe(editor, field, hint)}
                        type={isShown ? "text" : "password"}
                        dir="ltr"
                        value={editor.form[field]}
                        placeholder={isStored ? _("Stored") : ""}
                        isRequired={isRequired}
                        onChange={(_event, value) => editor.change({ [field]: value })}
                        autoComplete="new-password"
                        spellCheck={false}
                    />
                </InputGroupItem>
                <InputGroupItem>
                    <Button
                        variant="control"
                        aria-label={isShown ? hide : show}
                        icon={isShown ? <EyeSlashIcon /> : <EyeIcon />}
                        onClick={() => setShown(!isShown)}
                    />
                </InputGroupItem>
            </InputGroup>
        </FieldGroup>
    );
}
