// SPDX-License-Identifier: LGPL-2.1-or-later
/** What most connectors need not change: a part each, in the order in which they stand. */
import cockpit from "cockpit";
import { ExpandableSection, FormSection, FormSelectOption } from "@patternfly/react-core";
import { Deletion } from "./deletion";
import { Delivery } from "./delivery";
import { SelectField, TextField, type Editor } from "./field";
import { Interval } from "./interval";
import { OAuthAdvanced } from "./oauth";
import { Proof } from "./proof";
import { protocolOf } from "./providers";
import { Selection } from "./selection";

interface AdvancedProps {
    editor: Editor;
    isExpanded: boolean;
    setExpanded: (isExpanded: boolean) => void;
}

export function Advanced({ editor, isExpanded, setExpanded }: AdvancedProps) {
    const _ = cockpit.gettext;
    return (
        <ExpandableSection
            toggleText={_("Advanced settings")}
            isExpanded={isExpanded}
            onToggle={(_event, expanded) => setExpanded(expanded)}
            isIndented
        >
            <div className="pf-v6-c-form">
                <FormSection title={_("Fetching")} titleElement="h2">
                    <Interval editor={editor} />
                    <Deletion editor={editor} />
                </FormSection>
                <FormSection title={_("Selection")} titleElement="h2">
                    <Selection editor={editor} />
                </FormSection>
                <FormSection title={_("Delivery")} titleElement="h2">
                    <Delivery editor={editor} />
                </FormSection>
                <FormSection title={_("Connection")} titleElement="h2">
                    <Encryption editor={editor} />
                    <Certificate editor={editor} />
                    <Proof editor={editor} />
                </FormSection>
                {editor.form.Way === "oauth2" && (
                    <FormSection title={_("OAuth2")} titleElement="h2">
                        <OAuthAdvanced editor={editor} />
                    </FormSection>
                )}
                <FormSection title={_("Notices")} titleElement="h2">
                    <Callbacks editor={editor} />
                </FormSection>
            </div>
        </ExpandableSection>
    );
}

function Encryption({ editor }: { editor: Editor }) {
    const _ = cockpit.gettext;
    if (protocolOf(editor.form.Retriever)?.tls !== false) return null;
    const hints: Record<string, string> = {
        auto: _("A server that never offered encryption gets the password in clear."),
        required: _("Without encryption there is no log-in."),
        none: _("Others can read the password and the mail on their way."),
    };
    return (
        <SelectField editor={editor} field="TLS" hint={hints[editor.form.TLS]}>
            <FormSelectOption value="auto" label={_("Where the server offers it")} />
            <FormSelectOption value="required" label={_("Required")} />
            <FormSelectOption value="none" label={_("encryption", "None")} />
        </SelectField>
    );
}

function Certificate({ editor }: { editor: Editor }) {
    const _ = cockpit.gettext;
    return (
        <>
            <TextField
                editor={editor}
                field="Fingerprint"
                dir="ltr"
                hint={_("SHA-256. Only the certificate with this fingerprint is trusted.")}
            />
            <TextField
                editor={editor}
                field="CAFile"
                dir="ltr"
                placeholder="/etc/ssl/certs/example.pem"
                hint={_("A PEM file on this machine. Only the authorities in it are trusted.")}
            />
        </>
    );
}

function Callbacks({ editor }: { editor: Editor }) {
    const _ = cockpit.gettext;
    const hint = _("Notices are sent only if CALLBACK_SECRET is set in the settings of this machine.");
    return (
        <>
            <TextField editor={editor} field="CallbackUrl" type="url" dir="ltr" placeholder="https://" hint={hint} />
            <TextField
                editor={editor}
                field="StatusCallbackUrl"
                type="url"
                dir="ltr"
                placeholder="https://"
                hint={hint}
            />
        </>
    );
}
