// SPDX-License-Identifier: LGPL-2.1-or-later
/** Components of PatternFly that say something of their own, in the person's language. */
import cockpit from "cockpit";
// eslint-disable-next-line no-restricted-imports -- what is made of them is here
import * as core from "@patternfly/react-core";
import { RhMicronsCloseIcon } from "@patternfly/react-icons";

type Variant = NonNullable<core.AlertProps["variant"]>;

/** Return what screen readers say before an alert's title. */
export function variantWord(variant: Variant): string {
    const _ = cockpit.gettext;
    const words: Record<Variant, string> = {
        success: _("Success:"),
        info: _("Note:"),
        warning: _("Warning:"),
        danger: _("Error:"),
        custom: _("Note:"),
    };
    return words[variant];
}

export function Alert({ variant = "custom", ...others }: core.AlertProps) {
    return <core.Alert variant={variant} variantLabel={variantWord(variant)} {...others} />;
}

export function Modal({ onClose, onEscapePress, children, ...others }: Omit<core.ModalProps, "ref">) {
    const _ = cockpit.gettext;
    const leave = onEscapePress ?? onClose;
    return (
        <core.Modal {...others} {...(leave && { onEscapePress: leave })}>
            {onClose && (
                // Its own button has no label but an English one.
                <div className="pf-v6-c-modal-box__close">
                    <core.Button variant="plain" aria-label={_("Close")} icon={<RhMicronsCloseIcon />} onClick={onClose} />
                </div>
            )}
            {children}
        </core.Modal>
    );
}
