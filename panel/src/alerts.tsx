// SPDX-License-Identifier: LGPL-2.1-or-later
/** What happened, told in a corner and to screen readers. */
import cockpit from "cockpit";
import { AlertActionCloseButton, AlertGroup } from "@patternfly/react-core";
import { createContext, useCallback, useContext, useRef, useState, type ReactNode } from "react";
import { Alert } from "./patternfly";

interface Told {
    key: number;
    kind: "success" | "danger";
    title: string;
    text: string;
}

export type Tell = (kind: Told["kind"], title: string, text?: string) => void;

const Context = createContext<Tell>(() => undefined);

export const useAlerts = () => useContext(Context);

export function WithAlerts({ children }: { children: ReactNode }) {
    const _ = cockpit.gettext;
    const [all, setAll] = useState<Told[]>([]);
    const keys = useRef(0);
    const close = (key: number) => setAll((before) => before.filter((told) => told.key !== key));
    const tell = useCallback<Tell>((kind, title, text = "") => {
        const key = keys.current++;
        setAll((before) => [...before, { key, kind, title, text }]);
    }, []);
    return (
        <Context.Provider value={tell}>
            {children}
            <AlertGroup isToast isLiveRegion aria-label={_("Messages")}>
                {all.map(({ key, kind, title, text }) => (
                    <Alert
                        key={key}
                        variant={kind}
                        title={title}
                        timeout={kind === "success" && 8000}
                        onTimeout={() => close(key)}
                        actionClose={<AlertActionCloseButton aria-label={_("Close")} onClose={() => close(key)} />}
                    >
                        {text && <span dir="auto">{text}</span>}
                    </Alert>
                ))}
            </AlertGroup>
        </Context.Provider>
    );
}
