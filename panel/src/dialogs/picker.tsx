// SPDX-License-Identifier: LGPL-2.1-or-later
/** Choosing folders from those that the server has. */
import cockpit from "cockpit";
import { Button, Checkbox, TextInput } from "@patternfly/react-core";
import { useMemo } from "react";
import * as api from "../api";
import type { FoldersAnswer, RemoteFolder } from "../api";
import { arrange, countWords, purposeWord } from "../mailbox/tree";
import { FieldGroup, describe, type Editor } from "./field";
import { choose, isChosen } from "./folderlist";
import { checkOf, needsNewSignIn } from "./form";
import { useInquiryOf } from "./inquiry";
import { Unanswered } from "./unanswered";

const ALL = "*";

export function FolderPicker({ editor }: { editor: Editor }) {
    const _ = cockpit.gettext;
    const { form, stored, name, change, refuse } = editor;
    const props = checkOf(form, stored);
    const { outcome, begin } = useInquiryOf<FoldersAnswer>(props, refuse);
    const isBusy = outcome?.is === "busy";
    const isTooEarly = needsNewSignIn(form, stored);
    const hint = isTooEarly
        ? _("Names with commas between them; empty is INBOX, * is all. After you have signed in, they can be chosen from a list.")
        : _("Names with commas between them; empty is INBOX, * is all, \\Sent is the folder for sent mail, and ! before one leaves it out.");
    return (
        <FieldGroup editor={editor} field="Folders" hint={hint}>
            <div className="getmail-beside">
                <TextInput
                    {...describe(editor, "Folders", hint)}
                    value={form.Folders}
                    onChange={(_event, Folders) => change({ Folders })}
                    dir="auto"
                    autoComplete="off"
                    spellCheck={false}
                />
                <Button
                    variant="secondary"
                    isLoading={isBusy}
                    isAriaDisabled={isBusy || isTooEarly}
                    onClick={() => begin(() => api.folders({ form: props, name }))}
                    {...(isBusy && { spinnerAriaValueText: _("Looking for folders") })}
                >
                    {_("Choose folders")}
                </Button>
            </div>
            <div role="status">
                {outcome?.is === "fails" && (
                    <Unanswered title={_("The folders cannot be read")} problem={outcome.problem} />
                )}
            </div>
            {outcome?.is === "works" && (
                <Choice found={outcome.found.folders} list={form.Folders} changed={(Folders) => change({ Folders })} />
            )}
        </FieldGroup>
    );
}

interface ChoiceProps {
    found: RemoteFolder[];
    list: string;
    changed: (list: string) => void;
}

function Choice({ found, list, changed }: ChoiceProps) {
    const _ = cockpit.gettext;
    const placed = useMemo(() => arrange(found), [found]);
    return (
        <div role="group" aria-label={_("Folders at the provider")} className="getmail-choice">
            <div className="getmail-beside">
                <Button variant="link" isInline onClick={() => changed(ALL)}>
                    {_("All folders")}
                </Button>
                <Button variant="link" isInline onClick={() => changed("")}>
                    {_("Only the inbox")}
                </Button>
            </div>
            <ul>
                {placed.map(({ folder, depth, label }) => (
                    <li key={folder.name} data-depth={Math.min(depth, 6)}>
                        <Checkbox
                            id={`choose-${folder.name}`}
                            label={<bdi className="getmail-wrap">{label}</bdi>}
                            description={describeFolder(folder, label)}
                            isDisabled={!folder.selectable}
                            isChecked={folder.selectable && isChosen(list, folder)}
                            onChange={(_event, isOn) => changed(choose(list, folder, isOn))}
                        />
                    </li>
                ))}
            </ul>
        </div>
    );
}

function describeFolder({ special_use, messages, selectable }: RemoteFolder, label: string): string {
    const purpose = purposeWord(special_use);
    const count = selectable && messages !== null ? countWords(messages) : "";
    return [purpose.toLowerCase() === label.toLowerCase() ? "" : purpose, count].filter(Boolean).join(" · ");
}
