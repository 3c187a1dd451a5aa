// SPDX-License-Identifier: LGPL-2.1-or-later
/** A field of the form: its label, what is to know of it, and what is wrong with it. */
import {
    FormGroup,
    FormHelperText,
    FormSelect,
    HelperText,
    HelperTextItem,
    InputGroup,
    InputGroupItem,
    InputGroupText,
    TextInput,
    type TextInputProps,
} from "@patternfly/react-core";
import type { ReactNode } from "react";
import type { Settings } from "../api";
import { propWord } from "../words";
import type { Faults, Field, Form } from "./form";

/** What the parts of the dialog share. */
export interface Editor {
    form: Form;
    faults: Faults;
    change: (part: Partial<Form>) => void;
    /** Those of this machine; undefined while they are not known. */
    settings?: Settings | undefined;
    /** The name of the one that is edited, and its props. */
    name?: string | undefined;
    stored?: Record<string, string> | undefined;
    /** Told of faults of the form that helpers found. */
    refuse: (problem: unknown) => void;
}

export interface FieldProps {
    editor: Editor;
    field: Field;
    hint?: ReactNode;
    isRequired?: boolean;
}

/** Return what ties the control of a field to its texts. */
export function describe(editor: Editor, field: Field, hint?: ReactNode) {
    const isWrong = editor.faults[field] !== undefined;
    const texts = [isWrong && `field-${field}-error`, hint && `field-${field}-hint`].filter(Boolean);
    return {
        id: `field-${field}`,
        validated: isWrong ? ("error" as const) : ("default" as const),
        ...(texts.length > 0 && { "aria-describedby": texts.join(" ") }),
    };
}

export function FieldGroup({
    editor,
    field,
    hint,
    isRequired = false,
    children,
}: FieldProps & { children: ReactNode }) {
    return (
        <FormGroup label={propWord(field)} fieldId={`field-${field}`} isRequired={isRequired}>
            {children}
            <FaultAndHint id={`field-${field}`} fault={editor.faults[field]} hint={hint} />
        </FormGroup>
    );
}

/** What is wrong with the control of this id, and what is to know of it. */
export function FaultAndHint({ id, fault, hint }: { id: string; fault?: string | undefined; hint?: ReactNode }) {
    if (!(fault ?? hint)) return null;
    return (
        <FormHelperText>
            <HelperText>
                {fault && (
                    <HelperTextItem id={`${id}-error`} variant="error" screenReaderText="">
                        {fault}
                    </HelperTextItem>
                )}
                {hint && <HelperTextItem id={`${id}-hint`}>{hint}</HelperTextItem>}
            </HelperText>
        </FormHelperText>
    );
}

type TextFieldProps = FieldProps & Pick<TextInputProps, "placeholder" | "dir" | "type" | "inputMode" | "autoComplete">;

export function TextField({ editor, field, hint, isRequired = false, ...props }: TextFieldProps) {
    return (
        <FieldGroup editor={editor} field={field} hint={hint} isRequired={isRequired}>
            <TextInput
                {...describe(editor, field, hint)}
                value={editor.form[field]}
                isRequired={isRequired}
                onChange={(_event, value) => editor.change({ [field]: value })}
                autoComplete="off"
                spellCheck={false}
                {...props}
            />
        </FieldGroup>
    );
}

interface SelectFieldProps extends FieldProps {
    /** Where it is not the field's own value that is chosen. */
    value?: string;
    onChange?: (value: string) => void;
    /** What stands beside it. */
    beside?: ReactNode;
    children: ReactNode;
}

export function SelectField({ editor, field, hint, value, onChange, beside, children }: SelectFieldProps) {
    return (
        <FieldGroup editor={editor} field={field} hint={hint}>
            <div className="getmail-beside">
                <FormSelect
                    {...describe(editor, field, hint)}
                    value={value ?? editor.form[field]}
                    onChange={(_event, chosen) => (onChange ? onChange(chosen) : editor.change({ [field]: chosen }))}
                >
                    {children}
                </FormSelect>
                {beside}
            </div>
        </FieldGroup>
    );
}

interface AmountProps extends Pick<FieldProps, "editor" | "field"> {
    label: string;
    unit: string;
}

/** A number with its unit, beside a choice of usual ones. */
export function Amount({ editor, field, label, unit }: AmountProps) {
    return (
        <InputGroup>
            <InputGroupItem>
                <TextInput
                    {...describe(editor, field)}
                    id={amountId(field)}
                    aria-label={label}
                    inputMode="numeric"
                    dir="ltr"
                    autoComplete="off"
                    value={editor.form[field]}
                    onChange={(_event, value) => editor.change({ [field]: value.replace(/\D/g, "") })}
                />
            </InputGroupItem>
            <InputGroupText>{unit}</InputGroupText>
        </InputGroup>
    );
}

/** Return the id of what stands beside a choice. */
export function amountId(field: Field): string {
    return `field-${field}-amount`;
}

/** Bring the person to a field: to what was typed beside its choice, if that was. */
export function focusOn(field: Field): void {
    const control = document.getElementById(amountId(field)) ?? document.getElementById(`field-${field}`);
    control?.focus();
    // What is wrong stands below it.
    control?.closest(".pf-v6-c-form__group")?.scrollIntoView({ block: "nearest" });
}
