// SPDX-License-Identifier: LGPL-2.1-or-later
/** Who logs in, and how. */
import cockpit from "cockpit";
import { FormGroup, FormSelect, FormSelectOption, Grid } from "@patternfly/react-core";
import { isolate } from "../format";
import { wayOf, type Way } from "../props";
import { TextField, type Editor } from "./field";
import { isElsewhere, needsNoPassword } from "./form";
import { OAuth } from "./oauth";
import { OTHER, findProvider, providerOf } from "./providers";
import { SecretField } from "./secret";
import { serviceOf } from "./services";

interface LoginProps {
    editor: Editor;
    /** The props of the one that is edited. */
    stored: Record<string, string> | undefined;
}

export function Login({ editor, stored }: LoginProps) {
    const _ = cockpit.gettext;
    const { Way } = editor.form;
    return (
        <>
            <Grid hasGutter md={6}>
                <TextField editor={editor} field="Username" dir="ltr" isRequired />
                <ChooseWay editor={editor} stored={stored} />
            </Grid>
            {Way === "password" && <Password editor={editor} stored={stored} />}
            {Way === "file" && (
                <TextField
                    editor={editor}
                    field="PasswordFile"
                    dir="ltr"
                    isRequired
                    placeholder="/etc/example/password"
                    hint={_("A file on this machine with the password in its first line. It is read before each run.")}
                />
            )}
            {Way === "command" && (
                <TextField
                    editor={editor}
                    field="PasswordCommand"
                    dir="ltr"
                    isRequired
                    placeholder="/usr/bin/pass"
                    hint={_("A program with its arguments that writes the password. It is started before each run.")}
                />
            )}
            {Way === "oauth2" && <OAuth editor={editor} stored={stored} />}
        </>
    );
}

function ChooseWay({ editor, stored }: LoginProps) {
    const _ = cockpit.gettext;
    const { form, settings, change } = editor;
    const words: Record<Way, string> = {
        password: _("Password"),
        oauth2: _("OAuth2: sign in at the provider"),
        file: _("Password from a file"),
        command: _("Password from a program"),
    };
    const isOffered: Record<Way, boolean> = {
        password: true,
        oauth2: hasOAuth(form.Server) || wasBefore("oauth2"),
        file: true,
        command: settings?.ALLOW_COMMANDS === true || wasBefore("command"),
    };
    function wasBefore(way: Way): boolean {
        return form.Way === way || (stored !== undefined && wayOf(stored) === way);
    }
    const choose = (chosen: string) => {
        const Way = chosen as Way;
        change({ Way, ...(Way === "oauth2" && !form.Provider && serviceOf(findProvider(form.Server))) });
    };
    return (
        <FormGroup label={_("Log in with")} fieldId="field-Way">
            <FormSelect id="field-Way" value={form.Way} onChange={(_event, chosen) => choose(chosen)}>
                {(Object.keys(words) as Way[])
                    .filter((way) => isOffered[way])
                    .map((way) => (
                        <FormSelectOption key={way} value={way} label={words[way]} />
                    ))}
            </FormSelect>
        </FormGroup>
    );
}

/** Whether OAuth2 is known there, or nothing is. */
function hasOAuth(server: string): boolean {
    const id = findProvider(server);
    return id === OTHER || providerOf(id)?.service !== undefined;
}

function Password({ editor, stored }: LoginProps) {
    const _ = cockpit.gettext;
    const { form } = editor;
    const isStored = stored?.Password !== undefined;
    const keep =
        isStored && isElsewhere(form, stored)
            ? cockpit.format(_("Left empty, the stored password is sent to $0 once this is saved. To check the log-in before, enter it again."), isolate(form.Server.trim()))
            : _("Leave this empty to keep the stored password.");
    return (
        <SecretField
            editor={editor}
            field="Password"
            isStored={isStored}
            isRequired={!isStored && !needsNoPassword(form)}
            hint={isStored && keep}
        />
    );
}
