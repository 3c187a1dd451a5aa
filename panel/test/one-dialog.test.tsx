// SPDX-License-Identifier: LGPL-2.1-or-later
// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { useEffect } from "react";
import { afterEach, expect, test, vi } from "vitest";
import { WithDialogs, useDialogs, type Dialogs } from "../src/dialogs";

afterEach(cleanup);

const opened = vi.fn<(dialogs: Dialogs) => void>();

function Dialog({ text }: { text: string }) {
    const dialogs = useDialogs();
    useEffect(() => opened(dialogs), [dialogs]);
    return <button onClick={dialogs.close}>{text}</button>;
}

function Page() {
    const dialogs = useDialogs();
    return ["first", "second"].map((text) => (
        <button key={text} onClick={() => dialogs.show(<Dialog text={text} />)}>{`Open ${text}`}</button>
    ));
}

const press = (text: string) => fireEvent.click(screen.getByText(text));

test("a dialog that ends late does not close the one that was opened meanwhile", () => {
    render(
        <WithDialogs>
            <Page />
        </WithDialogs>,
    );
    press("Open first");
    press("first");
    expect(screen.queryByText("first")).toBeNull();
    press("Open second");
    const [[first]] = opened.mock.calls as [[Dialogs]];
    act(first.close);
    expect(screen.queryByText("second")).not.toBeNull();
    press("second");
    expect(screen.queryByText("second")).toBeNull();
});
