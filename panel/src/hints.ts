// SPDX-License-Identifier: LGPL-2.1-or-later
/** What the helpers say of sign-ins and advise about them, in the person's language: each sentence as they say it. */
import cockpit from "cockpit";

const _ = cockpit.gettext;

/** Return what the helpers say; in their own words where it is another sentence. */
export function hintWords(hint: string | undefined): string {
    return knownHint(hint) ?? hint ?? "";
}

/** Return what the helpers say if it is one of the sentences here. */
export function knownHint(hint: string | undefined): string | undefined {
    const words: Record<string, string> = {
        "Sign in again: the sign-in has expired, was revoked, or the password was changed.": _(
            "Sign in again: the sign-in has expired, was revoked, or the password was changed.",
        ),
        "Sign in again and consent to what is asked for; an organisation's administrator may have to.": _(
            "Sign in again and consent to what is asked for; an organisation's administrator may have to.",
        ),
        "The client secret is wrong or has expired: make a new one with the provider and put it here.": _(
            "The client secret is wrong or has expired: make a new one with the provider and put it here.",
        ),
        "Check ClientId, Tenant and the app registration: this client is not known, or not for mail.": _(
            "Check client ID, tenant and the app registration: this client is not known, or not for mail.",
        ),
        "Authorise the service account for this scope in the organisation's console (domain-wide delegation), or check ClientId and Tenant.": _(
            "Authorise the service account for this scope in the organisation's console (domain-wide delegation), or check client ID and tenant.",
        ),
        "Check Scope: the provider does not grant it to this client.": _(
            "Check the scope: the provider does not grant it to this client.",
        ),
        "The account is disabled, deleted or not licensed for mail: ask its administrator.": _(
            "The account is disabled, deleted or not licensed for mail: ask its administrator.",
        ),
        "Check KeyFile and the clock of this server: the provider does not accept what was signed.": _(
            "Check the key file and the clock of this machine: the provider does not accept what was signed.",
        ),
        "The sign-in is good, but the mailbox cannot be opened so: it is not licensed, IMAP or POP3 is switched off for it, or Username is another's.": _(
            "The sign-in is good, but the mailbox cannot be opened so: it is not licensed, IMAP or POP3 is switched off for it, or the user name is another's.",
        ),
        "Correct the connector, or sign in again.": _("Correct the connector, or sign in again."),
        "Check Username and Scope, then sign in again.": _("Check user name and scope, then sign in again."),
        "Sign in again; if that does not help, ask the provider whether this account may read mail from here.": _(
            "Sign in again; if that does not help, ask the provider whether this account may read mail from here.",
        ),
        "Nobody signed in within the time that there was for it.": _("Nobody signed in within the time that there was for it."),
        "The connector was changed meanwhile: sign in again.": _("The connector was changed meanwhile: sign in again."),
        "This is not the address of this sign-in: paste the one the browser shows at its end.": _(
            "This is not the address of this sign-in: paste the one the browser shows at its end.",
        ),
        "The address has no code in it: paste all of it.": _("The address has no code in it: paste all of it."),
        // For who works with the command.
        "Sign in again (authorize).": _("Sign in again."),
    };
    return words[hint ?? ""];
}
