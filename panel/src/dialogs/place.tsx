// SPDX-License-Identifier: LGPL-2.1-or-later
/** Where the mail is: provider, protocol, server and port. */
import cockpit from "cockpit";
import { Button, FormGroup, FormSelect, FormSelectOption, Grid, GridItem } from "@patternfly/react-core";
import { ExternalLinkAltIcon } from "@patternfly/react-icons";
import { useState } from "react";
import { Alert } from "../patternfly";
import type { Way } from "../props";
import { retrieverWord } from "../words";
import { SelectField, TextField, type Editor } from "./field";
import type { Form } from "./form";
import {
    OTHER,
    PROTOCOLS,
    PROVIDERS,
    chooseProvider,
    chooseRetriever,
    findProvider,
    mannerWords,
    protocolOf,
    providerOf,
    type Provider,
} from "./providers";
import { chooseLogin } from "./services";

export function Place({ editor }: { editor: Editor }) {
    const _ = cockpit.gettext;
    const { form, change } = editor;
    const [provider, setProvider] = useState(() => findProvider(form.Server));
    const protocol = protocolOf(form.Retriever);
    const known = providerOf(provider);
    const typeServer = (part: Partial<Form>) => {
        // Who types another provider's server has left this one.
        setProvider(findProvider(part.Server ?? "", provider));
        change(part);
    };
    return (
        <>
            <Grid hasGutter md={6}>
                <FormGroup label={_("Provider")} fieldId="field-preset">
                    <FormSelect
                        id="field-preset"
                        value={provider}
                        onChange={(_event, id) => {
                            setProvider(id);
                            change({ ...chooseProvider(id, form), ...chooseLogin(id, form) });
                        }}
                    >
                        <FormSelectOption value={OTHER} label={_("Other provider")} />
                        {PROVIDERS.map(({ id, name }) => (
                            <FormSelectOption key={id} value={id} label={name} />
                        ))}
                    </FormSelect>
                </FormGroup>
                <SelectField
                    editor={editor}
                    field="Retriever"
                    hint={
                        protocol?.tls === false &&
                        _("The connection begins without encryption: see “Encryption” in the advanced settings.")
                    }
                    onChange={(retriever) => change(chooseRetriever(retriever, form, provider))}
                >
                    {PROTOCOLS.map(({ retriever, pop3 }) => (
                        <FormSelectOption
                            key={retriever}
                            value={retriever}
                            label={retrieverWord(retriever)}
                            isDisabled={pop3 && known !== undefined && known.pop3 === undefined}
                        />
                    ))}
                    {!protocol && <FormSelectOption value={form.Retriever} label={retrieverWord(form.Retriever)} />}
                </SelectField>
            </Grid>
            {known?.manners && <Manners provider={known} way={form.Way} />}
            <Grid hasGutter>
                <GridItem span={8} sm={9}>
                    <TextField
                        editor={{ ...editor, change: typeServer }}
                        field="Server"
                        dir="ltr"
                        isRequired
                        placeholder="imap.example.com"
                    />
                </GridItem>
                <GridItem span={4} sm={3}>
                    <TextField editor={editor} field="Port" dir="ltr" inputMode="numeric" />
                </GridItem>
            </Grid>
        </>
    );
}

function Manners({ provider, way }: { provider: Provider; way: Way }) {
    const _ = cockpit.gettext;
    const { manners = [], name, page } = provider;
    const hasPassword = way !== "oauth2";
    // Each of the two ways has its own to know.
    const told = manners.filter((manner) => manner !== (hasPassword ? "" : "app-password"));
    if (told.length === 0) return null;
    return (
        <Alert
            isInline
            isPlain
            variant={hasPassword && manners.includes("oauth2") ? "warning" : "info"}
            title={told.map((manner) => mannerWords(manner, name)).join(" ")}
            component="p"
            isLiveRegion
            {...(page &&
                hasPassword && {
                    actionLinks: (
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
                            {_("Create an app password")}
                        </Button>
                    ),
                })}
        />
    );
}
