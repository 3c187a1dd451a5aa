// SPDX-License-Identifier: LGPL-2.1-or-later
/** The one dialog that is open, if any. */
import { createContext, useContext, useMemo, useState, type ReactNode } from "react";

export interface Dialogs {
    show: (dialog: ReactNode) => void;
    close: () => void;
}

const Context = createContext<Dialogs>({ show: () => undefined, close: () => undefined });

export const useDialogs = () => useContext(Context);

export function WithDialogs({ children }: { children: ReactNode }) {
    const [dialog, setDialog] = useState<ReactNode>(null);
    const dialogs = useMemo(() => ({ show: setDialog, close: () => setDialog(null) }), []);
    return (
        <Context.Provider value={dialogs}>
            {children}
            {dialog}
        </Context.Provider>
    );
}
