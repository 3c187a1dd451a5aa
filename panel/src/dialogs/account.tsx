// SPDX-License-Identifier: LGPL-2.1-or-later
/** Who gets the mail: one of this machine's accounts, or any other that is typed. */
import cockpit from "cockpit";
import {
    MenuToggle,
    Select,
    SelectList,
    SelectOption,
    TextInputGroup,
    TextInputGroupMain,
    type MenuToggleElement,
} from "@patternfly/react-core";
import { useEffect, useState, type KeyboardEvent, type Ref } from "react";
import * as api from "../api";
import { FieldGroup, describe, type Editor } from "./field";

const SHOWN = 50;
const LIST = "field-Account-list";

export function Account({ editor }: { editor: Editor }) {
    const _ = cockpit.gettext;
    const accounts = useAccounts();
    const [isOpen, setOpen] = useState(false);
    const [active, setActive] = useState(-1);
    const [isTyped, setTyped] = useState(false);
    const value = editor.form.Account;
    // Who has typed the whole name is done: a list would only cover what comes next.
    const found = isTyped && isOne(accounts, value) ? [] : match(accounts, value);
    const { id, validated, ...described } = describe(editor, "Account");
    const isListed = isOpen && found.length > 0;

    const close = () => {
        setOpen(false);
        setActive(-1);
    };
    const choose = (name: string) => {
        editor.change({ Account: name });
        close();
    };
    const move = (by: number) => {
        setTyped(false);
        setOpen(true);
        // From the text itself, -1, to the first or the last one.
        setActive(active < 0 ? (by > 0 ? 0 : found.length - 1) : (active + by + found.length) % found.length);
    };
    const press = (event: KeyboardEvent) => {
        const chosen = isListed ? found[active] : undefined;
        if (event.key === "Enter" && chosen) choose(chosen.name);
        else if (event.key === "ArrowDown") move(1);
        else if (event.key === "ArrowUp") move(-1);
        else return;
        event.preventDefault();
    };

    const toggle = (ref: Ref<MenuToggleElement>) => (
        <MenuToggle
            ref={ref}
            variant="typeahead"
            aria-label={_("Show accounts")}
            isExpanded={isListed}
            isFullWidth
            {...(validated === "error" && { status: "danger" })}
            onClick={() => {
                setTyped(false);
                setOpen(!isOpen);
                document.getElementById(id)?.focus();
            }}
        >
            <TextInputGroup isPlain>
                <TextInputGroupMain
                    inputId={id}
                    aria-label={_("Local account")}
                    value={value}
                    autoComplete="off"
                    role="combobox"
                    isExpanded={isListed}
                    aria-controls={LIST}
                    {...(active >= 0 && { "aria-activedescendant": `${LIST}-${active}` })}
                    inputProps={{
                        ...described,
                        "aria-invalid": validated === "error",
                        "aria-autocomplete": "list",
                        autoComplete: "off",
                        spellCheck: false,
                        dir: "ltr",
                        required: true,
                    }}
                    onChange={(_event, text) => {
                        editor.change({ Account: text });
                        setTyped(true);
                        setOpen(true);
                        setActive(-1);
                    }}
                    onClick={() => {
                        setTyped(false);
                        setOpen(true);
                    }}
                    onKeyDown={press}
                    onBlur={close}
                />
            </TextInputGroup>
        </MenuToggle>
    );

    return (
        <FieldGroup editor={editor} field="Account" isRequired>
            <Select
                isOpen={isListed}
                variant="typeahead"
                selected={value}
                onSelect={(_event, name) => choose(String(name))}
                onOpenChange={(open) => !open && close()}
                onOpenChangeKeys={["Escape"]}
                maxMenuHeight="14rem"
                // Outside of the dialog it would be hidden from screen readers.
                popperProps={{ appendTo: "inline" }}
                toggle={toggle}
            >
                {/* A press of the mouse leaves the focus in the field, or the list would be gone before it is chosen from. */}
                <SelectList id={LIST} aria-label={_("Accounts")} onMouseDown={(event) => event.preventDefault()}>
                    {found.map((account, index) => (
                        <SelectOption
                            key={account.name}
                            id={`${LIST}-${index}`}
                            value={account.name}
                            isFocused={index === active}
                            description={describeAccount(account)}
                        >
                            <span dir="auto">{account.name}</span>
                        </SelectOption>
                    ))}
                </SelectList>
            </Select>
        </FieldGroup>
    );
}

function useAccounts(): api.Account[] {
    const [accounts, setAccounts] = useState<api.Account[]>([]);
    useEffect(() => {
        let isGone = false;
        api.accounts().then(
            (answer) => !isGone && setAccounts(answer),
            // They are only offered: any account can be typed.
            () => undefined,
        );
        return () => {
            isGone = true;
        };
    }, []);
    return accounts;
}

/** Return the accounts that what is typed may mean: all of them once it is one of them. */
function match(accounts: api.Account[], typed: string): api.Account[] {
    const text = typed.trim().toLowerCase();
    const isWhole = isOne(accounts, typed);
    return accounts.filter(({ name }) => isWhole || name.toLowerCase().includes(text)).slice(0, SHOWN);
}

function isOne(accounts: api.Account[], typed: string): boolean {
    return accounts.some(({ name }) => name.toLowerCase() === typed.trim().toLowerCase());
}

function describeAccount({ user, connectors }: api.Account): string {
    const _ = cockpit.gettext;
    const used = cockpit.format(cockpit.ngettext("$0 connector", "$0 connectors", connectors), connectors);
    if (!user) return used;
    return connectors ? cockpit.format(_("User of this machine, $0"), used) : _("User of this machine");
}
