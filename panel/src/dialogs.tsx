// SPDX-License-Identifier: LGPL-2.1-or-later
/** The one dialog that is open, if any. */
import { createContext, useContext, useMemo, useState, type ReactNode } from "react";

export interface Dialogs {
    show: (dialog: ReactNode) => void;
    /** For a dialog: closes it, and never the one that was opened after it. */
    close: () => void;
}

interface Shown {
    dialog: ReactNode;
    dialogs: Dialogs;
}

const Context = createContext<Dialogs>({ show: () => undefined, close: () => undefined });

export const useDialogs = () => useContext(Context);

export function WithDialogs({ children }: { children: ReactNode }) {
    const [shown, setShown] = useState<Shown>();
    const dialogs = useMemo<Dialogs>(() => {
        const show = (dialog: ReactNode) => {
            const close = () => setShown((now) => (now === mine ? undefined : now));
            const mine: Shown = { dialog, dialogs: { show, close } };
            setShown(mine);
        };
        return { show, close: () => setShown(undefined) };
    }, []);
    return (
        <Context.Provider value={dialogs}>
            {children}
            {shown && <Context.Provider value={shown.dialogs}>{shown.dialog}</Context.Provider>}
        </Context.Provider>
    );
}
