//! The notifier: the stream hands it batches of changes, again where it ends in the midst of one.

use super::*;

/// A batch of the stream that a notifier has: if it ends in the midst of it, the batch comes again.
struct Reading {
    world: Rc<RefCell<World>>,
    changes: usize,
    is_through: Cell<bool>,
}

impl Reading {
    fn new(world: &Rc<RefCell<World>>, changes: usize) -> Self {
        Self {
            world: Rc::clone(world),
            changes,
            is_through: Cell::new(false),
        }
    }

    /// The notifier has answered; then, too, the batch may come again.
    fn is_through(&self, failed: Option<usize>) {
        let mut world = self.world.borrow_mut();
        let (now, rate) = (world.now, world.rates.duplicate);
        if failed.is_none() && world.fault("handed_over_again", rate) {
            return;
        }
        self.is_through.set(true);
        world.telling.is_through(self.changes, failed, now);
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        // At the end of all days the world is gone before its processes.
        if let (false, Ok(mut world)) = (self.is_through.get(), self.world.try_borrow_mut()) {
            let now = world.now;
            world.telling.comes_again(self.changes, now);
        }
    }
}

impl Day {
    /// The stream hands a batch over, if there is one and nobody is at it.
    pub(super) fn tell_if_due(&mut self) {
        let mut world = self.world.borrow_mut();
        let now = world.now;
        if world.telling.next_at().is_none_or(|at| at > now) {
            return;
        }
        let changes = world.telling.hand_over(now);
        drop(world);
        self.keep_beside(changes.clone());
        let (ports, reading) = (
            self.called(Function::Notifier),
            Reading::new(&self.world, changes.len()),
        );
        let mine = ports.clone();
        self.begin(ports, None, async move {
            let untold = tell(&mine, SOURCE, &changes).await;
            let not_kept = cards::keep(&mine, &changes, SAMPLE).await;
            let failed = untold.into_iter().chain(not_kept).min();
            reading.is_through(failed);
            Ok(())
        });
    }

    /// The same changes are with another notifier at the same time, as when a shard goes over to it, if this is such a
    /// day.
    pub(super) fn keep_beside(&mut self, changes: Vec<Change>) {
        let rate = self.world.borrow().rates.twice;
        if !self.world.borrow_mut().fault("handed_over_at_once", rate) {
            return;
        }
        let ports = self.called(Function::Notifier);
        let mine = ports.clone();
        self.begin(ports, None, async move {
            cards::keep(&mine, &changes, SAMPLE).await;
            Ok(())
        });
    }
}
