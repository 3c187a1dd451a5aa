// SPDX-License-Identifier: LGPL-2.1-or-later
/** Signing in at a provider: with a code that is typed there, or with the address where the browser ends. */
import cockpit from "cockpit";
import { Button, ModalBody, ModalFooter, ModalHeader, Spinner, Stack, StackItem } from "@patternfly/react-core";
import { ExternalLinkAltIcon } from "@patternfly/react-icons";
import { useEffect, useState } from "react";
import * as api from "../api";
import type { Authorization, Flow } from "../api";
import { useAnswer } from "../ask";
import { useTask } from "../detail/task";
import { useDialogs } from "../dialogs";
import { isolate } from "../format";
import { hintWords } from "../hints";
import { Alert, Modal } from "../patternfly";
import { problemWords } from "../words";
import { formatCountdown, isWebAddress, stageOf, type Stage } from "./consent";
import { Copy } from "./copy";
import { PasteBack } from "./pasteback";

export interface SignInDialogProps {
    name: string;
    /** Whose mail is to be read. */
    user: string;
    refresh: () => Promise<void>;
}

const TITLE = "sign-in-title";
const CODE = "sign-in-code";
/** People take their time. */
const PAUSE = 2000;

interface Attempt {
    count: number;
    /** As the provider has it, if it is not said. */
    flow: Flow | undefined;
}

export function SignInDialog({ name, user, refresh }: SignInDialogProps) {
    const _ = cockpit.gettext;
    const dialogs = useDialogs();
    const [attempt, setAttempt] = useState<Attempt>({ count: 0, flow: undefined });
    const { answer, problem } = useAnswer(() => api.authorize(name, attempt.flow), attempt);
    // What was answered before is of the attempt before.
    const [old, setOld] = useState<Authorization>();
    const authorization = answer === old ? undefined : answer;
    const { progress } = useTask(authorization?.token, () => void refresh(), undefined, PAUSE);
    const now = useClock();
    const isRefused = problem !== undefined && !authorization;
    const stage: Stage = isRefused ? "failed" : stageOf({ authorization, progress }, now);
    const isOpen = stage === "code" || stage === "address";

    const leave = () => {
        // Nobody waits for it any more.
        if (authorization && isOpen) api.cancelTask(authorization.token).catch(() => undefined);
        dialogs.close();
    };
    const again = (flow: Flow | undefined) => {
        setOld(answer);
        setAttempt({ count: attempt.count + 1, flow });
    };
    return (
        <Modal isOpen variant="small" position="top" aria-labelledby={TITLE} onClose={leave}>
            <ModalHeader
                title={_("Sign in at the provider")}
                labelId={TITLE}
                description={<span dir="auto">{name}</span>}
            />
            <ModalBody>
                <Stack hasGutter>
                    {authorization && isOpen && (
                        <StackItem>
                            {stage === "code" ? (
                                <WithCode authorization={authorization} user={user} />
                            ) : (
                                <WithAddress authorization={authorization} name={name} user={user} />
                            )}
                        </StackItem>
                    )}
                    <StackItem>
                        {/* It is there from the beginning, so that what comes into it is read out. */}
                        <div role="status">
                            {stage === "begin" && <Waiting text={_("Asking the provider…")} />}
                            {stage === "code" && <Waiting text={_("Waiting for you to sign in…")} />}
                            {stage === "done" && <Done user={user} />}
                            {(stage === "failed" || stage === "expired") && (
                                <Failed
                                    isExpired={stage === "expired"}
                                    reason={isRefused ? problemWords(problem) : hintWords(progress?.error?.message)}
                                    hint={hintWords(progress?.error?.hint)}
                                />
                            )}
                        </div>
                    </StackItem>
                    {authorization && isOpen && authorization.expires > now && (
                        <StackItem className="getmail-quiet">
                            <Left seconds={authorization.expires - now} hasCode={stage === "code"} />
                        </StackItem>
                    )}
                </Stack>
            </ModalBody>
            <ModalFooter>
                {(stage === "failed" || stage === "expired") && (
                    <Button onClick={() => again(isRefused ? undefined : attempt.flow)}>
                        {answer?.code === undefined ? _("Try again") : _("Get a new code")}
                    </Button>
                )}
                {stage === "code" && (
                    <Button variant="secondary" onClick={() => again("code")}>
                        {_("Sign in without a code")}
                    </Button>
                )}
                <Button variant={stage === "done" ? "primary" : "link"} onClick={leave}>
                    {isOpen ? _("Sign in later") : _("Close")}
                </Button>
            </ModalFooter>
        </Modal>
    );
}

function WithCode({ authorization, user }: { authorization: Authorization; user: string }) {
    const _ = cockpit.gettext;
    const { address, address_with_code, code = "" } = authorization;
    return (
        <Stack hasGutter>
            <StackItem>
                {cockpit.format(
                    _("Open the provider’s page, enter this code there, and sign in as $0. The page may be opened on any device."),
                    isolate(user),
                )}
            </StackItem>
            <StackItem className="getmail-code">
                <code id={CODE} dir="ltr">
                    {code}
                </code>
                <Copy text={code} shownIn={CODE} />
            </StackItem>
            <StackItem>
                <Open address={address} target={address_with_code} />
            </StackItem>
        </Stack>
    );
}

interface WithAddressProps {
    authorization: Authorization;
    name: string;
    user: string;
}

function WithAddress({ authorization: { address }, name, user }: WithAddressProps) {
    const _ = cockpit.gettext;
    return (
        <Stack hasGutter>
            <StackItem>
                {cockpit.format(
                    _("Open the provider’s page, sign in as $0, and allow access to the mail."),
                    isolate(user),
                )}
            </StackItem>
            <StackItem>
                <Open address={address} isLong />
            </StackItem>
            <StackItem>
                {_("At the end the browser is sent to an address of your own computer, and most often says that it cannot be reached. That is as it should be: copy that whole address from the browser’s address bar, and paste it here.")}
            </StackItem>
            <StackItem>
                <PasteBack name={name} />
            </StackItem>
        </Stack>
    );
}

interface OpenProps {
    address: string;
    /** What the link leads to, if that is another. */
    target?: string | undefined;
    /** Too long to be read, or typed elsewhere. */
    isLong?: boolean;
}

function Open({ address, target = address, isLong = false }: OpenProps) {
    const _ = cockpit.gettext;
    const shown = (
        <div className="getmail-exact getmail-quiet getmail-page-address">
            <span dir="ltr">{address}</span>
        </div>
    );
    if (!isWebAddress(target)) return shown;
    return (
        <>
            <Button
                variant="primary"
                component="a"
                href={target}
                target="_blank"
                rel="noopener noreferrer"
                icon={<ExternalLinkAltIcon />}
                iconPosition="end"
            >
                {_("Open the provider’s page")}
            </Button>
            {!isLong && shown}
        </>
    );
}

function Waiting({ text }: { text: string }) {
    return (
        <div className="getmail-sign-in-waiting">
            <Spinner size="md" aria-hidden="true" />
            <span>{text}</span>
        </div>
    );
}

function Left({ seconds, hasCode }: { seconds: number; hasCode: boolean }) {
    const _ = cockpit.gettext;
    const text = hasCode ? _("The code is valid for $0.") : _("There is $0 left for this.");
    return <span>{cockpit.format(text, isolate(formatCountdown(seconds)))}</span>;
}

function Done({ user }: { user: string }) {
    const _ = cockpit.gettext;
    return (
        <Alert isInline variant="success" title={_("You are signed in")} component="p">
            {cockpit.format(_("From now on the mail of $0 is fetched without asking again."), isolate(user))}
        </Alert>
    );
}

interface FailedProps {
    isExpired: boolean;
    reason: string | undefined;
    hint: string | undefined;
}

function Failed({ isExpired, reason, hint }: FailedProps) {
    const _ = cockpit.gettext;
    const title = isExpired ? _("Nobody signed in within the time that the provider gives") : _("The sign-in did not work");
    return (
        <Alert isInline variant={isExpired ? "warning" : "danger"} title={title} component="p">
            {[reason, hint].map(
                (text, index) =>
                    text && (
                        <p key={index} dir="auto" className="getmail-told">
                            {text}
                        </p>
                    ),
            )}
        </Alert>
    );
}

/** Return the seconds since 1970, told anew every second. */
function useClock(): number {
    const [now, setNow] = useState(() => Date.now() / 1000);
    useEffect(() => {
        const timer = window.setInterval(() => setNow(Date.now() / 1000), 1000);
        return () => window.clearInterval(timer);
    }, []);
    return now;
}
