// SPDX-License-Identifier: LGPL-2.1-or-later
/** The address where the browser ended: what stands in it is a secret for as long as it was not used. */
import cockpit from "cockpit";
import { Button, Form, FormGroup, TextInput } from "@patternfly/react-core";
import { useState, type SyntheticEvent } from "react";
import * as api from "../api";
import { hintWords } from "../hints";
import { problemWords } from "../words";
import { FaultAndHint } from "./field";

const FIELD = "field-redirect";

export function PasteBack({ name }: { name: string }) {
    const _ = cockpit.gettext;
    const [redirect, setRedirect] = useState("");
    const [fault, setFault] = useState<string>();
    const [isBusy, setBusy] = useState(false);
    const submit = async (event: SyntheticEvent) => {
        event.preventDefault();
        if (isBusy) return;
        const address = redirect.trim();
        if (!address) {
            setFault(_("Fill in this field."));
            return;
        }
        setBusy(true);
        setFault(undefined);
        try {
            await api.authorizeComplete(name, address);
        } catch (problem) {
            setFault(hintWords(problemWords(problem)));
        }
        // It can be used once only.
        setRedirect("");
        setBusy(false);
    };
    return (
        <Form onSubmit={(event) => void submit(event)}>
            <FormGroup label={_("Address where the browser ended")} fieldId={FIELD} isRequired>
                <TextInput
                    id={FIELD}
                    type="text"
                    dir="ltr"
                    autoComplete="off"
                    spellCheck={false}
                    isRequired
                    placeholder="http://127.0.0.1/?code=…"
                    validated={fault ? "error" : "default"}
                    aria-describedby={fault ? `${FIELD}-error` : undefined}
                    value={redirect}
                    onChange={(_event, value) => {
                        setRedirect(value);
                        setFault(undefined);
                    }}
                />
                <FaultAndHint id={FIELD} fault={fault} />
            </FormGroup>
            <div>
                <Button type="submit" variant="secondary" isLoading={isBusy} isAriaDisabled={isBusy}>
                    {_("Complete the sign-in")}
                </Button>
            </div>
        </Form>
    );
}
