// SPDX-License-Identifier: LGPL-2.1-or-later
/** What to look at: a search, a status, and an order where there are no column heads. */
import cockpit from "cockpit";
import {
    Badge,
    Button,
    MenuToggle,
    Select,
    SelectList,
    SelectOption,
    TextInputGroup,
    TextInputGroupMain,
    TextInputGroupUtilities,
} from "@patternfly/react-core";
import { SearchIcon, SortAmountDownIcon, TimesIcon } from "@patternfly/react-icons";
import { useRef, useState } from "react";
import { SEVERITY, type Order, type Shown } from "../connectors";
import { formatNumber } from "../format";
import { statusWord } from "../words";
import { orderWords } from "./table";
import type { Change } from "./view";

export function Search({ text, change }: { text: string; change: Change }) {
    const _ = cockpit.gettext;
    const field = useRef<HTMLInputElement>(null);
    const clear = () => {
        change({ text: "" });
        field.current?.focus();
    };
    return (
        <TextInputGroup className="getmail-search">
            <TextInputGroupMain
                innerRef={field}
                type="search"
                icon={<SearchIcon />}
                aria-label={_("Search")}
                placeholder={_("Search")}
                value={text}
                onChange={(_event, value) => change({ text: value })}
            />
            {text && (
                <TextInputGroupUtilities>
                    <Button variant="plain" aria-label={_("Clear search")} icon={<TimesIcon />} onClick={clear} />
                </TextInputGroupUtilities>
            )}
        </TextInputGroup>
    );
}

interface ChoiceProps<Value extends string> {
    /** What is chosen here. */
    label: string;
    icon?: React.ReactNode;
    options: { value: Value; word: string; count?: number }[];
    value: Value;
    choose: (value: Value) => void;
}

function Choice<Value extends string>({ label, icon, options, value, choose }: ChoiceProps<Value>) {
    const [isOpen, setIsOpen] = useState(false);
    const word = options.find((option) => option.value === value)?.word ?? "";
    return (
        <Select
            isOpen={isOpen}
            selected={value}
            onOpenChange={setIsOpen}
            onSelect={(_event, chosen) => {
                choose(chosen as Value);
                setIsOpen(false);
            }}
            toggle={(ref) => (
                <MenuToggle ref={ref} icon={icon} isExpanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
                    {cockpit.format("$0: $1", label, word)}
                </MenuToggle>
            )}
        >
            <SelectList aria-label={label}>
                {options.map((option) => (
                    <SelectOption key={option.value} value={option.value}>
                        {option.word}
                        {option.count !== undefined && (
                            <Badge className="getmail-count" isRead>
                                {formatNumber(option.count)}
                            </Badge>
                        )}
                    </SelectOption>
                ))}
            </SelectList>
        </Select>
    );
}

export interface StatusFilterProps {
    shown: Shown | undefined;
    counts: Record<Shown, number>;
    total: number;
    change: Change;
}

export function StatusFilter({ shown, counts, total, change }: StatusFilterProps) {
    const _ = cockpit.gettext;
    const words: [Shown, string][] = [
        ["running", _("Running")],
        ["failing", _("Failing")],
        ...SEVERITY.map((status): [Shown, string] => [status, statusWord(status)]),
    ];
    return (
        <Choice<Shown | "all">
            label={_("Status")}
            options={[
                { value: "all", word: _("All"), count: total },
                ...words.map(([value, word]) => ({ value, word, count: counts[value] })),
            ]}
            value={shown ?? "all"}
            choose={(value) => change({ shown: value === "all" ? undefined : value })}
        />
    );
}

export interface SortChoiceProps {
    order: Order;
    descending: boolean;
    change: Change;
}

export function SortChoice({ order, descending, change }: SortChoiceProps) {
    const _ = cockpit.gettext;
    const words = Object.entries(orderWords()) as [Order, string][];
    return (
        <Choice<`${Order} ${"up" | "down"}`>
            label={_("Sort")}
            icon={<SortAmountDownIcon />}
            options={words.flatMap(([value, word]) => [
                { value: `${value} up` as const, word: `${word} ↑` },
                { value: `${value} down` as const, word: `${word} ↓` },
            ])}
            value={`${order} ${descending ? "down" : "up"}`}
            choose={(value) => {
                const [by, direction] = value.split(" ");
                change({ order: by as Order, descending: direction === "down" });
            }}
        />
    );
}
