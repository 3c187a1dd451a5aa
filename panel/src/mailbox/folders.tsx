// SPDX-License-Identifier: LGPL-2.1-or-later
/** The folders of a remote mailbox, one of which is open. */
import cockpit from "cockpit";
import { Button, Title } from "@patternfly/react-core";
import { AngleDownIcon, AngleRightIcon } from "@patternfly/react-icons";
import { useMemo, useState } from "react";
import * as api from "../api";
import { useAnswer } from "../ask";
import { Trouble, Waiting } from "../detail/states";
import { formatNumber } from "../format";
import { go } from "../route";
import { arrange, countWords, remarks, type Placed } from "./tree";

interface FoldersProps {
    name: string;
    /** The one that is open. */
    open: string;
}

export function Folders({ name, open }: FoldersProps) {
    const _ = cockpit.gettext;
    const { answer, problem, again } = useAnswer(() => api.folders({ name }), name);
    const placed = useMemo(() => arrange(answer?.folders ?? []), [answer]);
    // Where there is little room, the list is shown only while one is chosen.
    const [isShown, setShown] = useState(false);
    return (
        <nav aria-labelledby="mailbox-folders" className="getmail-folders">
            <Title headingLevel="h2" size="lg" id="mailbox-folders">
                {_("Folders")}
            </Title>
            {problem !== undefined && (
                <Trouble title={_("The folders cannot be read")} problem={problem} again={again} />
            )}
            {!answer && problem === undefined && <Waiting text={_("Looking for folders")} />}
            {answer && (
                <>
                    <Button
                        variant="secondary"
                        className="getmail-folders-toggle"
                        aria-expanded={isShown}
                        aria-controls="mailbox-folder-list"
                        icon={isShown ? <AngleDownIcon /> : <AngleRightIcon />}
                        onClick={() => setShown(!isShown)}
                    >
                        <bdi className="getmail-wrap">{open}</bdi>
                    </Button>
                    <ul id="mailbox-folder-list" className={isShown ? "getmail-folders-shown" : ""}>
                        {placed.map((one) => (
                            <li key={one.folder.name}>
                                <Folder
                                    placed={one}
                                    isOpen={one.folder.name === open}
                                    choose={() => {
                                        setShown(false);
                                        go({ name, tab: "mailbox", folder: one.folder.name });
                                    }}
                                />
                            </li>
                        ))}
                    </ul>
                    {answer.more > 0 && (
                        <p className="getmail-quiet">
                            {cockpit.format(
                                cockpit.ngettext(
                                    "$0 more folder is not shown.",
                                    "$0 more folders are not shown.",
                                    answer.more,
                                ),
                                formatNumber(answer.more),
                            )}
                        </p>
                    )}
                </>
            )}
        </nav>
    );
}

function Folder({ placed, isOpen, choose }: { placed: Placed; isOpen: boolean; choose: () => void }) {
    const _ = cockpit.gettext;
    const { folder, depth, label } = placed;
    const { messages, selectable, chosen } = folder;
    const said = [...remarks(folder, label), chosen ? _("Fetched by this connector") : ""].filter(Boolean);
    return (
        <button
            type="button"
            className="getmail-folder"
            data-depth={Math.min(depth, 6)}
            data-folder={folder.name}
            aria-current={isOpen ? "page" : undefined}
            disabled={!selectable}
            onClick={choose}
        >
            <span className={folder.unseen ? "getmail-wrap getmail-unread" : "getmail-wrap"}>
                <bdi>{label}</bdi>
            </span>
            {messages !== null && selectable && (
                <span>
                    <span aria-hidden="true">{formatNumber(messages)}</span>
                    <span className="pf-v6-screen-reader">{countWords(messages)}</span>
                </span>
            )}
            {said.length > 0 && <small className="getmail-quiet">{said.join(" · ")}</small>}
        </button>
    );
}
