// SPDX-License-Identifier: LGPL-2.1-or-later
/** Adding a connector, and editing one. */
import cockpit from "cockpit";
import { Button, Form, Grid, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core";
import { useEffect, useState, type SyntheticEvent } from "react";
import { useAlerts } from "../alerts";
import * as api from "../api";
import type { Connector } from "../api";
import { useAnswer } from "../ask";
import { useDialogs } from "../dialogs";
import { Alert, Modal } from "../patternfly";
import { problemWords } from "../words";
import { Account } from "./account";
import { Advanced } from "./advanced";
import { CheckPart, useCheck } from "./check";
import { TextField, focusOn, type Editor } from "./field";
import {
    CHECKED,
    FIELDS,
    checkOf,
    findTwin,
    firstFault,
    hasAdvanced,
    isChanged,
    needsNewSignIn,
    newForm,
    readForm,
    splitFaults,
    type Faults,
    type Field,
} from "./form";
import { Login } from "./login";
import { Place } from "./place";
import { useSave } from "./save";
import { SignInDialog } from "./signin";
import { Failed, Twin } from "./told";

export interface ConnectorDialogProps {
    /** The one to edit; without it, one is added. */
    connector?: Connector;
    /** All there are. */
    connectors: Connector[];
    refresh: () => Promise<void>;
}

const TITLE = "connector-dialog-title";
const FORM = "connector-dialog-form";

export function ConnectorDialog({ connector, connectors, refresh }: ConnectorDialogProps) {
    const _ = cockpit.gettext;
    const dialogs = useDialogs();
    const tell = useAlerts();
    const failure = connector ? _("The connector was not saved") : _("No connector was added");
    const stored = connector?.props;
    const [before] = useState(() => (stored ? readForm(stored) : newForm()));
    const [form, setForm] = useState(before);
    const [faults, setFaults] = useState<Faults>({});
    const [problem, setProblem] = useState<unknown>();
    const [isExpanded, setExpanded] = useState(false);
    const [isWarned, setWarned] = useState(false);
    const [wrong, setWrong] = useState<{ field: Field | undefined }>({ field: undefined });
    useFocusOn(wrong);
    // They are only told beside the fields: the form does without them.
    const { answer: info } = useAnswer(api.info, undefined);

    const refuse = (met: unknown) => {
        const { faults: found, others } = splitFaults(met);
        setFaults(found);
        setWrong({ field: firstFault(found) });
        if (hasAdvanced(found)) setExpanded(true);
        if (others.length || !firstFault(found)) setProblem(met);
    };
    const check = useCheck(refuse);
    const change = (part: Partial<typeof form>) => {
        const changed = FIELDS.filter((field) => field in part);
        setForm({ ...form, ...part });
        setFaults(without(faults, changed));
        setWarned(false);
        if (part.Way ?? changed.some((field) => CHECKED.includes(field))) check.forget();
    };
    const beginCheck = (now: typeof form) => {
        setFaults(without(faults, CHECKED));
        setProblem(undefined);
        check.begin(checkOf(now, stored), connector?.name);
    };
    const trust = (Fingerprint: string) => {
        const trusting = { ...form, Fingerprint };
        setForm(trusting);
        beginCheck(trusting);
        // The button that was pressed goes away.
        document.getElementById("check-credentials")?.focus();
    };

    const { save, leave, isSaving } = useSave({
        connector,
        refuse,
        saved: (name, isOpen) => {
            tell("success", cockpit.format(connector ? _("Saved $0") : _("Added $0"), name));
            if (isOpen && needsNewSignIn(form, stored))
                dialogs.show(<SignInDialog name={name} user={form.Username.trim()} refresh={refresh} />);
        },
        failed: (met) => tell("danger", failure, problemWords(met)),
        refresh,
        close: dialogs.close,
    });
    const submit = (event: SyntheticEvent) => {
        event.preventDefault();
        setFaults({});
        setProblem(undefined);
        if (!isSaving) void save(form);
    };
    const escape = (event: KeyboardEvent) => {
        // It closes the list of accounts first.
        if (event.target instanceof Element && event.target.matches("[role=combobox][aria-expanded=true]")) return;
        if (isWarned || !isChanged(before, form)) leave();
        else setWarned(true);
    };

    const editor: Editor = { form, faults, change, settings: info?.settings, name: connector?.name, stored, refuse };
    const twin = findTwin(form, connectors, connector?.name);
    return (
        <Modal
            isOpen
            variant="medium"
            position="top"
            aria-labelledby={TITLE}
            elementToFocus="#field-preset"
            onClose={leave}
            onEscapePress={escape}
        >
            <ModalHeader
                title={connector ? _("Edit connector") : _("Add connector")}
                labelId={TITLE}
                description={connector && <span dir="auto">{connector.name}</span>}
            />
            <ModalBody>
                <Form id={FORM} onSubmit={submit}>
                    <Place editor={editor} />
                    <Login editor={editor} stored={stored} />
                    {twin && <Twin twin={twin} />}
                    {!needsNewSignIn(form, stored) && (
                        <CheckPart
                            check={check}
                            begin={() => beginCheck(form)}
                            trust={trust}
                            isPinned={form.Fingerprint.trim() !== ""}
                        />
                    )}
                    <Grid hasGutter md={6}>
                        <Account editor={editor} />
                        <TextField
                            editor={editor}
                            field="Label"
                            hint={_("Tells the connectors of one account apart.")}
                            dir="auto"
                        />
                    </Grid>
                    <Advanced editor={editor} isExpanded={isExpanded} setExpanded={setExpanded} />
                    {problem !== undefined && <Failed title={failure} problem={problem} />}
                </Form>
            </ModalBody>
            <ModalFooter>
                <Button type="submit" form={FORM} isLoading={isSaving} isDisabled={isSaving}>
                    {connector ? _("Save") : _("Add")}
                </Button>
                <Button variant="link" onClick={leave}>
                    {_("Cancel")}
                </Button>
                {isWarned && (
                    <Alert
                        isInline
                        isPlain
                        isLiveRegion
                        variant="warning"
                        component="p"
                        title={_("Press Escape again to discard what you entered.")}
                    />
                )}
            </ModalFooter>
        </Modal>
    );
}

/** Bring the person to a field that has to be corrected, once each time. */
function useFocusOn(wrong: { field: Field | undefined }) {
    useEffect(() => {
        if (wrong.field) focusOn(wrong.field);
    }, [wrong]);
}

function without(faults: Faults, fields: Field[]): Faults {
    return Object.fromEntries(Object.entries(faults).filter(([field]) => !fields.includes(field as Field)));
}
