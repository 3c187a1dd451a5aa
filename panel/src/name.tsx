// SPDX-License-Identifier: LGPL-2.1-or-later
/** What a connector is called, as it may break over lines. */
import { Fragment } from "react";
import type { Connector } from "./api";
import { titleOf } from "./connectors";

/** A long one breaks before its server, if it has to. */
export function Name({ connector }: { connector: Connector }) {
    return (
        <bdi className="getmail-wrap">
            {titleOf(connector)
                .split(/(?=@[^@]*$)/)
                .map((part, index) => (
                    <Fragment key={index}>
                        {index > 0 && <wbr />}
                        {part}
                    </Fragment>
                ))}
        </bdi>
    );
}
