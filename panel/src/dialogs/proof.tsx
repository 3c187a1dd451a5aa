// SPDX-License-Identifier: LGPL-2.1-or-later
/** How this machine proves who it is, and what stands between it and the server. */
import cockpit from "cockpit";
import { FormSelectOption } from "@patternfly/react-core";
import { SelectField, TextField, type Editor } from "./field";
import { mechanismsOf } from "./form";

/** An example. */
export const TUNNEL = "/usr/bin/ssh mail.example.com /usr/lib/dovecot/imap";

export function Proof({ editor }: { editor: Editor }) {
    const _ = cockpit.gettext;
    const { form, settings, stored } = editor;
    const mechanisms = mechanismsOf(form);
    const hasTunnel = settings?.ALLOW_TUNNEL === true || form.Tunnel !== "" || stored?.Tunnel !== undefined;
    return (
        <>
            <SelectField
                editor={editor}
                field="Auth"
                hint={authHint(form.Auth)}
                // Of another way to log in it is none.
                value={mechanisms.includes(form.Auth) ? form.Auth : ""}
            >
                <FormSelectOption value="" label={_("The best that the server offers")} />
                {mechanisms.map((mechanism) => (
                    <FormSelectOption key={mechanism} value={mechanism} label={mechanism.toUpperCase()} />
                ))}
            </SelectField>
            <TextField
                editor={editor}
                field="ClientCert"
                dir="ltr"
                isRequired={form.Auth === "external"}
                placeholder="/etc/example/client.pem"
                hint={_("A PEM file on this machine: the certificate that is shown to the server.")}
            />
            {form.ClientCert.trim() !== "" && (
                <TextField
                    editor={editor}
                    field="ClientKey"
                    dir="ltr"
                    placeholder="/etc/example/client.key"
                    hint={_("A PEM file without a passphrase. Empty: the key is in the file of the certificate.")}
                />
            )}
            {hasTunnel && (
                <TextField
                    editor={editor}
                    field="Tunnel"
                    dir="ltr"
                    placeholder={TUNNEL}
                    hint={_("The full path of a program with its arguments. What it reads and writes is the connection, in the place of one to the server.")}
                />
            )}
        </>
    );
}

function authHint(mechanism: string): string | undefined {
    const _ = cockpit.gettext;
    const words: Record<string, string> = {
        plain: _("The password itself is sent."),
        login: _("The password itself is sent, as old servers want it."),
        "cram-md5": _("The password is not sent, but proved. It is an old method."),
        "scram-sha-256": _("The password is not sent, but proved."),
        apop: _("The password is not sent, but proved. It is an old method."),
        external: _("By the client certificate, without a password."),
    };
    return words[mechanism];
}
