// SPDX-License-Identifier: LGPL-2.1-or-later
/** What a setting is called in the settings file. */
export function SettingName({ name }: { name: string }) {
    return (
        <div className="getmail-setting-name">
            <span dir="ltr">{name}</span>
        </div>
    );
}
