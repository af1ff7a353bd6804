//! Uploads: S3 tells of them, and when the DR has been quiet, its evaluation is asked for.

use super::*;

impl Day {
    /// S3 tells of uploads, now and then twice.
    pub(super) fn note_uploads(&mut self, dr: &DrNumber, photos: &[Photo]) {
        let twice = self.world.borrow().rates.twice;
        let again = self.world.borrow_mut().fault("told_twice", twice);
        for _ in 0..=u8::from(again) {
            self.note_upload(dr.clone(), photos.to_vec());
        }
    }

    pub(super) fn note_upload(&mut self, dr: DrNumber, photos: Vec<Photo>) {
        let photos = if self.world.borrow().looks {
            photos
        } else {
            Vec::new()
        };
        let ports = self.called(Function::Splitter);
        let quiet = Duration::from_secs(self.world.borrow().spans.quiet);
        // S3 tells of uploads late, and not in their order.
        let late = self.world.borrow_mut().random.below(20_000) as i64;
        let made_at = Timestamp::from_millis(self.world.borrow().now.as_millis() - late);
        let mine = ports.clone();
        self.begin(ports, None, async move {
            uploads::note_upload(&mine, &dr, made_at, quiet).await?;
            let versions = mine.release.versions();
            let Some(catalogue) = mine.release.catalogue(&versions.catalogue) else {
                return Ok(());
            };
            for photo in photos {
                look::send(&mine, &dr, photo, catalogue, &versions).await?;
            }
            Ok(())
        });
    }

    pub(super) fn check_quiet(
        &mut self,
        ports: ModelPorts,
        handles: (Place, u64),
        check: QuietCheck,
    ) {
        let Some((request, photos)) = self.questions.get(&check.dr_number).cloned() else {
            return;
        };
        let request = Request {
            reuse: Reuse::AskedSince(check.uploaded_at),
            ..request
        };
        let (limits, mine) = (self.limits(), ports.clone());
        self.begin(ports, Some(handles), async move {
            if uploads::is_quiet(&mine, &check).await? {
                start_as(&mine, &request, &photos, &limits).await?;
            }
            Ok(())
        });
    }
}
