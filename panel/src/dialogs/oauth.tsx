// SPDX-License-Identifier: LGPL-2.1-or-later
/** What signing in needs to know of the service, and of this machine as a client of it. */
import cockpit from "cockpit";
import { Button, FormSelectOption, Grid } from "@patternfly/react-core";
import { ExternalLinkAltIcon } from "@patternfly/react-icons";
import { Alert } from "../patternfly";
import { SelectField, TextField, type Editor } from "./field";
import { needsNewSignIn } from "./form";
import { SecretField } from "./secret";
import { SERVICES, chooseService, clientWords, registrationOf, serviceWord } from "./services";

interface OAuthProps {
    editor: Editor;
    stored: Record<string, string> | undefined;
}

export function OAuth({ editor, stored }: OAuthProps) {
    const _ = cockpit.gettext;
    const { form, change } = editor;
    // One service's is not sent to another.
    const isStored = stored?.ClientSecret !== undefined && stored.Provider === form.Provider;
    const isCustom = form.Provider === "custom";
    return (
        <>
            <Grid hasGutter md={6}>
                <SelectField
                    editor={editor}
                    field="Provider"
                    onChange={(service) => change(chooseService(service))}
                >
                    {SERVICES.map((service) => (
                        <FormSelectOption key={service} value={service} label={serviceWord(service)} />
                    ))}
                </SelectField>
                {form.Provider === "microsoft" && (
                    <TextField
                        editor={editor}
                        field="Tenant"
                        dir="ltr"
                        placeholder="example.onmicrosoft.com"
                        hint={_("Empty: any organisation. “consumers” is personal accounts.")}
                    />
                )}
                {isCustom && <Addresses editor={editor} />}
                <TextField
                    editor={editor}
                    field="ClientId"
                    dir="ltr"
                    isRequired={form.Grant !== "jwt"}
                    hint={<ClientHint service={form.Provider} />}
                />
                <SecretField
                    editor={editor}
                    field="ClientSecret"
                    isStored={isStored}
                    hint={
                        isStored
                            ? _("Leave this empty to keep the stored client secret.")
                            : _("Only if the client has one.")
                    }
                />
            </Grid>
            {needsNewSignIn(form, stored) && (
                <Alert
                    isInline
                    isPlain
                    variant="info"
                    component="p"
                    title={
                        stored
                            ? _("After it is saved, you sign in at the provider: it asks you whether this machine may read the mail.")
                            : _("After it is added, you sign in at the provider: it asks you whether this machine may read the mail.")
                    }
                />
            )}
        </>
    );
}

function ClientHint({ service }: { service: string }) {
    const _ = cockpit.gettext;
    const page = registrationOf(service);
    return (
        <>
            {clientWords(service)}{" "}
            {page && (
                <Button
                    variant="link"
                    isInline
                    component="a"
                    href={page}
                    target="_blank"
                    rel="noopener noreferrer"
                    icon={<ExternalLinkAltIcon />}
                    iconPosition="end"
                >
                    {_("Register a client")}
                </Button>
            )}
        </>
    );
}

function Addresses({ editor }: { editor: Editor }) {
    const _ = cockpit.gettext;
    const url = { editor, dir: "ltr", type: "url", placeholder: "https://" } as const;
    return (
        <>
            <TextField {...url} field="TokenUrl" isRequired />
            <TextField {...url} field="DeviceUrl" hint={_("If the service gives codes that are typed in a browser.")} />
            <TextField
                {...url}
                field="AuthorizationUrl"
                hint={_("If it does not: there you sign in, and copy the address where the browser ends.")}
            />
            <TextField
                {...url}
                field="RedirectUrl"
                placeholder="http://127.0.0.1:53682/"
                hint={_("Where the browser ends, as it is registered at the service.")}
            />
            <TextField editor={editor} field="Scope" dir="ltr" hint={_("What is asked for, separated by blanks.")} />
        </>
    );
}

/** What organisations use instead of a person's consent. */
export function OAuthAdvanced({ editor }: { editor: Editor }) {
    const _ = cockpit.gettext;
    const { form } = editor;
    const hints: Record<string, string> = {
        client_credentials: _("The client reads the mailbox by its own right, which the organisation gave it. Nobody signs in."),
        jwt: _("The service account reads the mailbox by its own right, which the organisation gave it. Nobody signs in."),
    };
    return (
        <>
            <SelectField editor={editor} field="Grant" hint={hints[form.Grant]}>
                <FormSelectOption value="" label={_("A person’s, given by signing in")} />
                <FormSelectOption value="client_credentials" label={_("An organisation’s, to this client")} />
                <FormSelectOption value="jwt" label={_("An organisation’s, to a service account")} />
            </SelectField>
            {form.Grant === "jwt" && (
                <TextField
                    editor={editor}
                    field="KeyFile"
                    dir="ltr"
                    isRequired
                    placeholder="/etc/example/key.json"
                    hint={_("A file on this machine: Google’s JSON file of a service account, or a private key in PEM.")}
                />
            )}
        </>
    );
}
