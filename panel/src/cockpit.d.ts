// SPDX-License-Identifier: LGPL-2.1-or-later
/** Cockpit's base1 library, as far as this page uses it. */
declare module "cockpit" {
    interface Emitter {
        addEventListener(event: string, listener: () => void): void;
        removeEventListener(event: string, listener: () => void): void;
    }

    export interface BasicError {
        problem: string | null;
        message: string;
        exit_status?: number | null;
    }

    /** A promise of Cockpit's rejects with a second argument, which `await` would lose. */
    interface Spawned {
        input(data: string): Spawned;
        close(problem?: string): void;
        then(done: (output: string) => void, failed: (error: BasicError, output: string | null) => void): unknown;
    }

    interface Permission extends Emitter {
        /** null while it is not known yet. */
        readonly allowed: boolean | null;
        close(): void;
    }

    interface Location {
        readonly path: string[];
        readonly options: Record<string, string | string[]>;
        go(path: string[], options?: Record<string, string>): void;
    }

    interface Cockpit extends Emitter {
        readonly language?: string;
        readonly language_direction?: "ltr" | "rtl";
        readonly hidden: boolean;
        readonly location: Location;
        readonly transport: { wait(then: () => void): void };
        gettext: (...texts: [text: string] | [context: string, text: string]) => string;
        ngettext: (one: string, many: string, count: number) => string;
        format: (text: string, ...values: (string | number)[]) => string;
        permission(options: { admin: true }): Permission;
        spawn(
            argv: string[],
            options: { superuser?: "require" | "try"; err?: "message" | "ignore"; environ?: string[] },
        ): Spawned;
        user(): Promise<{ name: string; home: string }>;
    }

    const cockpit: Cockpit;
    export default cockpit;
}
