//! What a photo's name hints at. Only a hint: technicians upload to the wrong slot, the content decides.

use super::catalogue::Catalogue;
use super::ids::StepKey;

/// The step that a photo's name hints at, if any.
///
/// Knows `DR{n}_ph_{type}_{id}.jpg`, where the type may itself hold underscores, and
/// `step{n}_{key}_{date}_{time}.jpg`. The number alone hints at nothing: it means different steps in
/// different catalogues.
///
/// ```
/// use evaluation::domain::catalogue::Catalogue;
/// use evaluation::domain::photo_name::hint;
///
/// let catalogue = Catalogue::shipped("v1").unwrap();
/// let step = hint("DR1730550_ph_powm1_88121.jpg", catalogue).unwrap();
/// assert_eq!(step.as_str(), "power_meter");
/// assert!(hint("IMG-20260114-WA0007.jpg", catalogue).is_none());
/// ```
pub fn hint(name: &str, catalogue: &Catalogue) -> Option<StepKey> {
    let file = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    let stem = file
        .rsplit_once('.')
        .map_or(file.as_str(), |(stem, _)| stem);
    slot_type(stem)
        .and_then(|kind| catalogue.name_hints.get(kind).cloned())
        .or_else(|| step_key(stem, catalogue))
}

/// `hm_ln` from `dr1730550_ph_hm_ln_88121`; also where the id is missing.
fn slot_type(stem: &str) -> Option<&str> {
    let (_, rest) = stem.split_once("_ph_")?;
    match rest.rsplit_once('_') {
        Some((kind, id)) if id.bytes().all(|b| b.is_ascii_digit()) => Some(kind),
        _ => Some(rest),
    }
}

/// `power_meter` from `step7_power_meter_20260114_101500`: the longest key of the catalogue that fits.
fn step_key(stem: &str, catalogue: &Catalogue) -> Option<StepKey> {
    let rest = stem
        .strip_prefix("step")?
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .strip_prefix('_')?;
    let fits = |key: &str| {
        rest.strip_prefix(key)
            .is_some_and(|tail| tail.is_empty() || tail.starts_with('_'))
    };
    catalogue
        .steps
        .iter()
        .map(|step| &step.key)
        .filter(|key| fits(key.as_str()))
        .max_by_key(|key| key.as_str().len())
        .cloned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hinted(name: &str) -> Option<String> {
        hint(name, Catalogue::shipped("v1").unwrap()).map(String::from)
    }

    #[test]
    fn slot_types_map_to_their_steps_also_with_underscores() {
        for (name, step) in [
            ("DR1730550_ph_powm1_88121.jpg", "power_meter"),
            ("DR1730550_ph_hm_ln_88121.jpg", "cable_entry_outside"),
            ("dr1730550_PH_Entry_In_7.JPEG", "cable_entry_inside"),
            ("DR1730550_ph_ont_back_1.jpg", "ont_back_and_barcode"),
            ("DR1730550_ph_bl.jpg", "ont_lights_and_dr_label"),
            ("2026/DR1_ph_prop_1.jpg", "house_photo"),
        ] {
            assert_eq!(hinted(name).as_deref(), Some(step), "{name}");
        }
    }

    #[test]
    fn step_names_map_by_their_key_and_never_by_their_number() {
        assert_eq!(
            hinted("step7_power_meter_20260114_101500.jpg").as_deref(),
            Some("power_meter")
        );
        assert_eq!(
            hinted("step3_ont_lights_and_dr_label_20260114_101500.jpg").as_deref(),
            Some("ont_lights_and_dr_label")
        );
        assert_eq!(hinted("step7_something_else_20260114_101500.jpg"), None);
        assert_eq!(hinted("step7_power_meters_20260114.jpg"), None);
    }

    #[test]
    fn other_names_hint_at_nothing() {
        for name in [
            "IMG-20260114-WA0007.jpg",
            "",
            ".jpg",
            "DR1_ph_.jpg",
            "DR1_ph_unknown_1.jpg",
            "step_.jpg",
            "ont_barcode.jpg",
        ] {
            assert_eq!(hinted(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_name_gives_a_step_of_the_catalogue_or_none(name in ".*") {
            let catalogue = Catalogue::shipped("v1").unwrap();
            if let Some(step) = hint(&name, catalogue) {
                prop_assert!(catalogue.step(&step).is_some());
            }
        }
    }
}
