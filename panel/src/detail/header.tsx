// SPDX-License-Identifier: LGPL-2.1-or-later
/** Which connector it is, and what can be done with it. */
import cockpit from "cockpit";
import {
    ActionList,
    ActionListGroup,
    ActionListItem,
    Breadcrumb,
    BreadcrumbItem,
    Button,
    Content,
    Dropdown,
    DropdownItem,
    DropdownList,
    Flex,
    FlexItem,
    MenuToggle,
    PageBreadcrumb,
    PageSection,
    Title,
    Tooltip,
} from "@patternfly/react-core";
import { EllipsisVIcon } from "@patternfly/react-icons";
import { useState, type ReactNode } from "react";
import { useAlerts } from "../alerts";
import * as api from "../api";
import type { Connector } from "../api";
import { isFailing } from "../connectors";
import { useDialogs } from "../dialogs";
import { ConnectorDialog } from "../dialogs/connector";
import { RemoveDialog } from "../dialogs/remove";
import { SignInDialog } from "../dialogs/signin";
import { isolate } from "../format";
import { Name } from "../name";
import { needsSignIn, takesSignIn } from "../props";
import { go } from "../route";
import { problemWords, retrieverWord } from "../words";
import { BaselineDialog } from "./baseline";
import { VerifyDialog } from "./verify";

interface HeaderProps {
    connector: Connector;
    connectors: Connector[];
    running: boolean;
    /** Told the token of a run that was started here. */
    started: (token: string | undefined) => void;
    refresh: () => Promise<void>;
}

export function DetailHeader(props: HeaderProps) {
    const _ = cockpit.gettext;
    const { connector } = props;
    return (
        <>
            <PageBreadcrumb>
                <Breadcrumb aria-label={_("Breadcrumb")}>
                    <BreadcrumbItem to="#/">{_("Mail connectors")}</BreadcrumbItem>
                    <BreadcrumbItem isActive>
                        <Name connector={connector} />
                    </BreadcrumbItem>
                </Breadcrumb>
            </PageBreadcrumb>
            <PageSection>
                <Flex
                    justifyContent={{ default: "justifyContentSpaceBetween" }}
                    alignItems={{ default: "alignItemsFlexStart" }}
                >
                    <FlexItem className="getmail-detail-heading">
                        <Title headingLevel="h1" className="getmail-wrap">
                            <Name connector={connector} />
                        </Title>
                        <Content component="p" className="getmail-wrap">
                            {purpose(connector)}
                        </Content>
                    </FlexItem>
                    <FlexItem>
                        <Actions {...props} />
                    </FlexItem>
                </Flex>
            </PageSection>
        </>
    );
}

function purpose({ props }: Connector): string {
    return cockpit.format(
        cockpit.gettext("Fetches the mail of $0 from $1 ($2) for the local account $3"),
        isolate(props.Username ?? ""),
        isolate(props.Server ?? ""),
        retrieverWord(props.Retriever),
        isolate(props.Account ?? ""),
    );
}

function Actions({ connector, connectors, running, started, refresh }: HeaderProps) {
    const _ = cockpit.gettext;
    const dialogs = useDialogs();
    const tell = useAlerts();
    const [busy, setBusy] = useState("");
    const { name } = connector;
    const isDisabled = connector.status === "DISABLED";

    const act = (what: string, failed: string, action: () => Promise<unknown>) => async () => {
        setBusy(what);
        try {
            await action();
            await refresh();
        } catch (problem) {
            tell("danger", failed, problemWords(problem));
        } finally {
            setBusy("");
        }
    };
    const start = act("run", _("It could not be started"), () => api.run(name).then(({ token }) => started(token)));
    const stop = act("cancel", _("It could not be stopped"), () => api.cancel(name));
    const enable = act("enable", _("It could not be enabled"), () => api.enable(name));
    const disable = act("disable", _("It could not be disabled"), () => api.disable(name));
    const reset = act("reset", _("It could not be reset"), () => api.reset(name));

    const isSignInOffered =
        needsSignIn(connector.props) || (takesSignIn(connector.props) && isRefused(connector));
    const signIn = () =>
        dialogs.show(<SignInDialog name={name} user={connector.props.Username ?? ""} refresh={refresh} />);

    const main = running
        ? ({ what: "cancel", text: _("Stop"), onClick: stop, variant: "secondary" } as const)
        : isDisabled
          ? ({ what: "enable", text: _("Enable"), onClick: enable, variant: "primary" } as const)
          : ({ what: "run", text: _("Run now"), onClick: start, variant: isSignInOffered ? "secondary" : "primary" } as const);
    return (
        <ActionList>
            <ActionListGroup className="getmail-detail-actions">
                {isSignInOffered && (
                    <ActionListItem>
                        <Button isAriaDisabled={!!busy} onClick={signIn}>
                            {_("Sign in")}
                        </Button>
                    </ActionListItem>
                )}
                <ActionListItem>
                    {/* One button, whatever it does: who pressed it still has the focus on it when it does another thing. */}
                    <Button
                        variant={main.variant}
                        isLoading={busy === main.what}
                        isAriaDisabled={!!busy}
                        onClick={() => void main.onClick()}
                    >
                        {main.text}
                    </Button>
                </ActionListItem>
                {isFailing(connector) && (
                    <ActionListItem>
                        <Tooltip content={_("Forgets the failures and makes the next run due now.")}>
                            <Button
                                variant="secondary"
                                isLoading={busy === "reset"}
                                isAriaDisabled={!!busy}
                                onClick={() => void reset()}
                            >
                                {_("Reset")}
                            </Button>
                        </Tooltip>
                    </ActionListItem>
                )}
                <ActionListItem>
                    <Button
                        variant="secondary"
                        isAriaDisabled={!!busy}
                        onClick={() =>
                            dialogs.show(
                                <ConnectorDialog connector={connector} connectors={connectors} refresh={refresh} />,
                            )
                        }
                    >
                        {_("Edit")}
                    </Button>
                </ActionListItem>
                <ActionListItem>
                    <Button
                        variant="secondary"
                        isDanger
                        isAriaDisabled={!!busy}
                        onClick={() =>
                            dialogs.show(<RemoveDialog names={[name]} removed={() => go({})} refresh={refresh} />)
                        }
                    >
                        {_("Remove")}
                    </Button>
                </ActionListItem>
                <ActionListItem>
                    <More name={name}>
                        {!isDisabled && (
                            <DropdownItem
                                isDisabled={!!busy}
                                description={_("The timer no longer starts it")}
                                onClick={() => void disable()}
                            >
                                {_("Disable")}
                            </DropdownItem>
                        )}
                        <DropdownItem
                            description={_("Look whether all that was delivered is still there")}
                            onClick={() => dialogs.show(<VerifyDialog name={name} />)}
                        >
                            {_("Verify")}
                        </DropdownItem>
                        <DropdownItem
                            isDisabled={!!busy || running}
                            description={_("Let runs fetch only what comes from now on")}
                            onClick={() =>
                                dialogs.show(<BaselineDialog name={name} started={started} refresh={refresh} />)
                            }
                        >
                            {_("Mark everything there now as fetched…")}
                        </DropdownItem>
                    </More>
                </ActionListItem>
            </ActionListGroup>
        </ActionList>
    );
}

/** Whether the provider refused to let it in. */
function isRefused({ status, cause }: Connector): boolean {
    return status === "INVALID_CREDENTIALS" || (status === "TEMP_DISABLED" && cause === "credentials");
}

function More({ name, children }: { name: string; children: ReactNode }) {
    const _ = cockpit.gettext;
    const [isOpen, setOpen] = useState(false);
    return (
        <Dropdown
            isOpen={isOpen}
            onOpenChange={setOpen}
            onSelect={() => setOpen(false)}
            popperProps={{ position: "end" }}
            shouldFocusToggleOnSelect
            toggle={(toggle) => (
                <MenuToggle
                    ref={toggle}
                    variant="plain"
                    icon={<EllipsisVIcon />}
                    aria-label={cockpit.format(_("Actions of $0"), name)}
                    isExpanded={isOpen}
                    onClick={() => setOpen(!isOpen)}
                />
            )}
        >
            <DropdownList>{children}</DropdownList>
        </Dropdown>
    );
}
