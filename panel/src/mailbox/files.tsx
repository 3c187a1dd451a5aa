// SPDX-License-Identifier: LGPL-2.1-or-later
/** The files of a message, each of which can be downloaded. */
import cockpit from "cockpit";
import { Button, Progress, ProgressMeasureLocation, Title } from "@patternfly/react-core";
import { DownloadIcon, PaperclipIcon } from "@patternfly/react-icons";
import { useEffect, useRef, useState } from "react";
import * as api from "../api";
import type { RemoteFile } from "../api";
import { Trouble } from "../detail/states";
import { formatBytes, formatNumber } from "../format";
import { PART, fetchParts, keep } from "./download";

interface FilesProps {
    name: string;
    folder: string;
    uid: string;
    files: RemoteFile[];
}

export function Files({ files, ...place }: FilesProps) {
    const _ = cockpit.gettext;
    if (!files.length) return null;
    // What the text shows within it, a signature's logo above all, is seldom what somebody looks for.
    const ordered = [...files.filter(({ inline }) => !inline), ...files.filter(({ inline }) => inline)];
    return (
        <section aria-labelledby="message-files">
            <Title headingLevel="h3" size="md" id="message-files">
                {cockpit.format(_("Files ($0)"), formatNumber(files.length))}
            </Title>
            <ul className="getmail-files">
                {ordered.map((file) => (
                    <li key={file.id}>
                        <File {...place} file={file} />
                    </li>
                ))}
            </ul>
        </section>
    );
}

type Download = { is: "busy"; count: number } | { is: "failed"; problem: unknown } | undefined;

function File({ name, folder, uid, file }: Omit<FilesProps, "files"> & { file: RemoteFile }) {
    const _ = cockpit.gettext;
    const [download, setDownload] = useState<Download>();
    const last = useRef(0);
    useEffect(() => {
        const count = last;
        return () => {
            count.current++;
        };
    }, []);
    const title = file.file_name || _("File without a name");
    const begin = async () => {
        const mine = ++last.current;
        const isWanted = () => mine === last.current;
        setDownload({ is: "busy", count: 0 });
        try {
            const parts = await fetchParts(
                (offset) => api.file(name, folder, uid, file.id, offset, PART),
                (count) => setDownload({ is: "busy", count }),
                isWanted,
            );
            if (!parts) return;
            keep(parts, file.file_name);
            setDownload(undefined);
        } catch (problem) {
            if (isWanted()) setDownload({ is: "failed", problem });
        }
    };
    const stop = () => {
        last.current++;
        setDownload(undefined);
    };
    const isBusy = download?.is === "busy";
    return (
        <>
            <div className="getmail-file">
                <span>
                    <PaperclipIcon aria-hidden="true" /> <bdi className="getmail-wrap">{title}</bdi>{" "}
                    <small className="getmail-quiet">
                        <bdi className="getmail-wrap">{file.type}</bdi>
                        {" · "}
                        {formatBytes(file.size)}
                        {file.inline && <> · {_("shown within the text")}</>}
                    </small>
                </span>
                <Button
                    variant="secondary"
                    size="sm"
                    icon={isBusy ? undefined : <DownloadIcon />}
                    aria-label={cockpit.format(isBusy ? _("Stop the download of $0") : _("Download $0"), title)}
                    onClick={() => (isBusy ? stop() : void begin())}
                >
                    {isBusy ? _("Stop") : _("Download")}
                </Button>
            </div>
            {isBusy && (
                <Progress
                    aria-label={cockpit.format(_("Download of $0"), title)}
                    size="sm"
                    measureLocation={ProgressMeasureLocation.outside}
                    // The size that a server tells may be another one.
                    value={Math.min(99, Math.floor((download.count / Math.max(file.size, 1)) * 100))}
                />
            )}
            {download?.is === "failed" && (
                <Trouble title={_("The file cannot be fetched")} problem={download.problem} again={begin} />
            )}
        </>
    );
}
