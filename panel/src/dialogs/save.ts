// SPDX-License-Identifier: LGPL-2.1-or-later
/** Storing what is in the form. */
import { useRef, useState } from "react";
import * as api from "../api";
import { changesOf, propsOf, type Form } from "./form";

interface Saving {
    /** The one to change; without it, one is created. */
    connector: api.Connector | undefined;
    /** Told when the dialog is open to show it. */
    refuse: (problem: unknown) => void;
    /** Told of what was stored, and whether the dialog was still open then. */
    saved: (name: string, isOpen: boolean) => void;
    /** Told when the dialog is gone. */
    failed: (problem: unknown) => void;
    refresh: () => Promise<void>;
    close: () => void;
}

export function useSave({ connector, refuse, saved, failed, refresh, close }: Saving) {
    const [isSaving, setSaving] = useState(false);
    const isGone = useRef(false);
    const isOpen = () => !isGone.current;

    const leave = () => {
        isGone.current = true;
        close();
    };
    const save = async (form: Form) => {
        const writing = { isBegun: false };
        const begin = () => (writing.isBegun = isOpen());
        setSaving(true);
        try {
            const name = await (connector ? change(connector, form, begin) : create(form, begin));
            const wasOpen = isOpen();
            if (wasOpen) close();
            if (name === undefined) return;
            saved(name, wasOpen);
            await refresh();
        } catch (problem) {
            setSaving(false);
            if (isOpen()) refuse(problem);
            else if (writing.isBegun) failed(problem);
        }
    };
    return { save, leave, isSaving };
}

/** Return the name of what was created; undefined if that is no longer wanted. */
async function create(form: Form, isWanted: () => boolean): Promise<string | undefined> {
    const props = propsOf(form);
    await api.validateCreate(props);
    return isWanted() ? (await api.create(props)).name : undefined;
}

/** Return the name of what was changed; undefined if nothing was to be changed, or it is no longer wanted. */
async function change(
    { name, props }: api.Connector,
    form: Form,
    isWanted: () => boolean,
): Promise<string | undefined> {
    const changes = changesOf(form, props);
    if (Object.keys(changes).length === 0) return undefined;
    await api.validateUpdate(name, changes);
    return isWanted() ? (await api.update(name, changes)).name : undefined;
}
