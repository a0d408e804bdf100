//! The second step: what was typed in, what it means out, or the first sentence of what does not fit.
//!
//! Every value must fit, also one which a later setting overrides: a wrong line is wrong even while it
//! has no effect.

use crate::draft::Draft;
use crate::error::Error;
use crate::settings::{Setting, Typed};

/// Applies the settings to the defaults of the table.
pub fn resolve(typed: &Typed) -> Result<Draft, Error> {
    let mut scratch = Draft::default();
    for setting in &typed.settings {
        apply(setting, &mut scratch)?;
    }
    let mut draft = Draft::default();
    for setting in typed.effective() {
        apply(setting, &mut draft)?;
        take_notes(setting, &mut draft);
    }
    judge_unknown(typed, &mut draft)?;
    Ok(draft)
}

fn apply(setting: &Setting, draft: &mut Draft) -> Result<(), Error> {
    let result = setting.option.kind.apply(&setting.value, draft);
    result.map_err(|expected| Error::at(&setting.origin, format!("{setting}: {expected}")))
}

/// Moves the setter's remarks to the notes, with their place, and adds one for a uWSGI placeholder.
fn take_notes(setting: &Setting, draft: &mut Draft) {
    let mut remarks = std::mem::take(&mut draft.remarks);
    if has_placeholder(&setting.value) {
        remarks.push("taken literally: placeholders are not expanded by this version of Goherd");
    }
    let place = &setting.origin;
    draft.config.notes.extend(remarks.iter().map(|remark| format!("{place}: {setting}: {remark}")));
}

/// Whether uWSGI would expand a `%(name)` or `$(NAME)` in the value.
fn has_placeholder(value: &str) -> bool {
    let closes = |start: &str| value.split_once(start).is_some_and(|(_, rest)| rest.contains(')'));
    closes("%(") || closes("$(")
}

/// Unknown keys are errors under `strict`, else notes.
fn judge_unknown(typed: &Typed, draft: &mut Draft) -> Result<(), Error> {
    for unknown in &typed.unknown {
        if draft.config.strict {
            return Err(unknown.error());
        }
        let note = format!("{}: {}; ignored, as strict = false", unknown.origin, unknown.sentence());
        draft.config.notes.push(note);
    }
    Ok(())
}
