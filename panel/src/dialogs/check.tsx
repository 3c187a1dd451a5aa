// SPDX-License-Identifier: LGPL-2.1-or-later
/** Trying the log-in with what is in the form, before anything is stored. */
import cockpit from "cockpit";
import {
    Button,
    DescriptionList,
    DescriptionListDescription,
    DescriptionListGroup,
    DescriptionListTerm,
} from "@patternfly/react-core";
import { Fragment, useEffect, useRef, type ReactNode } from "react";
import * as api from "../api";
import { formatNumber } from "../format";
import { Problem, type Details } from "../helpers";
import { Alert } from "../patternfly";
import { formatFingerprint } from "../props";
import { causeHint, causeWords, problemWords } from "../words";
import { useInquiry, type Inquiry } from "./inquiry";

export interface Check extends Pick<Inquiry<api.Checked>, "outcome" | "forget"> {
    begin: (props: api.Props, name?: string) => void;
}

/** `refused` is told of faults of the form, which are shown at their fields. */
export function useCheck(refused: (problem: unknown) => void): Check {
    const { outcome, begin, forget } = useInquiry<api.Checked>(refused);
    return { outcome, begin: (props, name) => begin(() => api.checkCredentials(props, name)), forget };
}

interface CheckPartProps {
    check: Check;
    begin: () => void;
    trust: (fingerprint: string) => void;
    /** Whether a certificate was trusted by its fingerprint already. */
    isPinned: boolean;
}

export function CheckPart({ check: { outcome }, begin, trust, isPinned }: CheckPartProps) {
    const _ = cockpit.gettext;
    const place = useRef<HTMLDivElement>(null);
    const isBusy = outcome?.is === "busy";
    useEffect(() => {
        if (outcome) place.current?.scrollIntoView({ block: "nearest" });
    }, [outcome]);
    return (
        <div className="getmail-check">
            <Button
                id="check-credentials"
                variant="secondary"
                isLoading={isBusy}
                isAriaDisabled={isBusy}
                onClick={begin}
                {...(isBusy && { spinnerAriaValueText: _("Logging in") })}
            >
                {_("Check credentials")}
            </Button>
            {/* It is there from the beginning, so that what comes into it is read out. */}
            <div role="status" ref={place}>
                {isBusy && <div>{_("Logging in…")}</div>}
                {outcome?.is === "works" && <Works found={outcome.found} />}
                {outcome?.is === "fails" && <Fails problem={outcome.problem} trust={trust} isPinned={isPinned} />}
            </div>
        </div>
    );
}

function Works({ found: { messages, tls } }: { found: api.Checked }) {
    const _ = cockpit.gettext;
    const title = cockpit.format(
        cockpit.ngettext("The log-in works: $0 message.", "The log-in works: $0 messages.", messages),
        formatNumber(messages),
    );
    return (
        <Alert isInline variant={tls ? "success" : "warning"} title={title} component="p">
            {!tls && _("The connection is not encrypted: others can read the password and the mail on their way.")}
        </Alert>
    );
}

function Fails({ problem, trust, isPinned }: { problem: unknown } & Pick<CheckPartProps, "trust" | "isPinned">) {
    const _ = cockpit.gettext;
    const details = problem instanceof Problem ? problem.details : {};
    const { cause, untrusted, fingerprint } = details;
    const other = isPinned
        ? _("The server shows another certificate than the one that is trusted.")
        : _("The server's certificate is not trusted.");
    const title = (untrusted ? other : causeWords(cause)) || _("The log-in could not be checked.");
    return (
        <Alert isInline variant="danger" title={title} component="p">
            <p dir="auto" className="getmail-told">
                {problemWords(problem)}
            </p>
            {untrusted && fingerprint ? (
                <Certificate details={details} fingerprint={fingerprint} trust={trust} />
            ) : (
                <p>{causeHint(cause === "tls" ? "protocol" : cause)}</p>
            )}
        </Alert>
    );
}

interface CertificateProps {
    details: Details;
    fingerprint: string;
    trust: (fingerprint: string) => void;
}

function Certificate({ details: { subject, issuer }, fingerprint, trust }: CertificateProps) {
    const _ = cockpit.gettext;
    const grouped = formatFingerprint(fingerprint);
    return (
        <>
            <DescriptionList
                isCompact
                orientation={{ md: "horizontal" }}
                className="getmail-certificate"
            >
                <Line term={_("Subject")}>{subject}</Line>
                <Line term={_("Issuer")}>{issuer}</Line>
                <Line term={_("Fingerprint (SHA-256)")}>
                    <Fingerprint grouped={grouped} />
                </Line>
            </DescriptionList>
            <p className="getmail-question">
                {_("Trust it only if this is the fingerprint that the server's administrator names.")}
            </p>
            <Button variant="secondary" isDanger onClick={() => trust(grouped)}>
                {_("Trust this certificate")}
            </Button>
        </>
    );
}

function Line({ term, children }: { term: string; children: ReactNode }) {
    return (
        <DescriptionListGroup>
            <DescriptionListTerm>{term}</DescriptionListTerm>
            <DescriptionListDescription>
                <span dir="ltr" className="getmail-told">
                    {children}
                </span>
            </DescriptionListDescription>
        </DescriptionListGroup>
    );
}

/** Lines end between pairs, so that it can be compared. */
function Fingerprint({ grouped }: { grouped: string }) {
    return (
        <span className="getmail-fingerprint">
            {grouped.split(":").map((pair, index) => (
                <Fragment key={index}>
                    {index > 0 && ":"}
                    {index > 0 && <wbr />}
                    {pair}
                </Fragment>
            ))}
        </span>
    );
}
