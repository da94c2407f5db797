//! Why nobody is told yet: another incident explains it, somebody wants silence, or it is maintained.

use std::time::Duration;

use canarytrace_model::time::Moment;

use super::Listener;
use crate::{
    incident::{Hold, Incident},
    message::age_of,
    rules::Rule,
};

/// A rule that another one covers waits so long for it.
const COVER_PATIENCE: Duration = Duration::from_secs(30 * 60);

impl Listener {
    /// Why an incident is not told, if there is a reason.
    pub(super) fn hold(
        &self,
        id: &str,
        incident: &Incident,
        rule: &Rule,
        now: Moment,
    ) -> Option<Hold> {
        let reason = self
            .silenced(id, incident, now)
            .or_else(|| self.maintained(incident, now))
            .or_else(|| self.covered(incident, rule, now))
            .or_else(|| self.depends(incident))?;
        Some(Hold { reason })
    }

    fn silenced(&self, id: &str, incident: &Incident, now: Moment) -> Option<String> {
        let silence = self
            .silences
            .iter()
            .find(|silence| silence.concerns(id, &incident.rule, &incident.monitors, now))?;
        Some(format!(
            "silenced until {}: {}",
            silence.until, silence.reason
        ))
    }

    fn maintained(&self, incident: &Incident, now: Moment) -> Option<String> {
        let own = self
            .settings
            .maintenance
            .iter()
            .chain(&self.planned)
            .filter(|own| own.concerns(&incident.rule, &incident.monitors));
        own.filter_map(|own| Some((own.end_at(now)?, &own.reason)))
            .map(|(until, reason)| format!("maintenance until {until}: {reason}"))
            .next()
    }

    /// A rule that sees the same trouble better has an open incident, or may have one soon.
    fn covered(&self, incident: &Incident, rule: &Rule, now: Moment) -> Option<String> {
        let covering = self
            .rules
            .rules
            .iter()
            .filter(|other| other.covers.iter().any(|title| rule.is(title)));
        let mut waits = None;
        for other in covering {
            let is_open = self.incidents.values().any(|stored| {
                stored.value.is_open()
                    && other.is(&stored.value.rule)
                    && is_about_the_same(&stored.value, incident)
            });
            if is_open {
                return Some(format!("part of `{}`", other.title));
            }
            if age_of(&incident.start_time, now) < COVER_PATIENCE {
                waits = Some(format!("waits whether `{}` explains it", other.title));
            }
        }
        waits
    }

    /// All its monitors need one that fails.
    fn depends(&self, incident: &Incident) -> Option<String> {
        if incident.monitors.is_empty() || self.settings.dependencies.is_empty() {
            return None;
        }
        let mut names = Vec::new();
        for monitor in &incident.monitors {
            let failing = self.settings.needed_by(monitor).find(|needed| {
                self.failing.contains(*needed)
                    || self.incidents.values().any(|stored| {
                        stored.value.is_open()
                            && stored.value.monitors.iter().any(|own| own == needed)
                    })
            })?;
            if !names.contains(&failing) {
                names.push(failing);
            }
        }
        Some(format!("needs {}, which fails", names.join(", ")))
    }
}

/// Whether two incidents share a monitor; one that names none may be about any.
fn is_about_the_same(one: &Incident, other: &Incident) -> bool {
    one.monitors.is_empty()
        || other.monitors.is_empty()
        || one
            .monitors
            .iter()
            .any(|monitor| other.monitors.contains(monitor))
}
