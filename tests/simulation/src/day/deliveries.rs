//! Messages: each is delivered to a process that is free for it, in any order, and now and then twice.

use super::*;

impl Day {
    /// Delivers a message that is due, any one, if a process is free for it.
    pub(super) fn deliver(&mut self) -> bool {
        let mut free = [BATCHES_AT_ONCE, BULK_AT_ONCE, AGGREGATORS_AT_ONCE];
        for (place, _) in self.processes.iter().filter_map(|process| process.handles) {
            if let Some(free) = free.get_mut(places_of(place)) {
                *free = free.saturating_sub(1);
            }
        }
        let mut world = self.world.borrow_mut();
        let now = world.now;
        let due: Vec<(Place, usize)> = world
            .queues
            .iter()
            .filter(|(place, _)| free.get(places_of(**place)).is_some_and(|free| *free > 0))
            .flat_map(|(place, all)| {
                all.iter()
                    .enumerate()
                    .filter(|(_, m)| m.visible_at <= now)
                    .map(|(at, _)| (*place, at))
            })
            .collect();
        let chosen = world.random.index(due.len());
        let Some((place, at)) = due.get(chosen).copied() else {
            return false;
        };
        drop(world);
        self.receive(place, at);
        true
    }

    pub(super) fn receive(&mut self, place: Place, at: usize) {
        let mut world = self.world.borrow_mut();
        let now = world.now;
        let most = if matches!(place, Place::Live(_)) {
            RECEIVES.0
        } else {
            RECEIVES.1
        };
        let twice = world.rates.twice;
        let hidden = if world.fault("delivered_twice", twice) {
            0
        } else {
            world.spans.hidden
        };
        let Some(message) = world.queues.get_mut(&place).and_then(|all| all.get_mut(at)) else {
            return;
        };
        message.receives += 1;
        message.visible_at = now.after(Duration::from_secs(hidden));
        let (id, body, receives) = (message.id, message.body.clone(), message.receives);
        let dead = receives > most;
        let function = function_of(place);
        let chain = message.chain.with(function);
        let cut = chain.is_cut(function, &world.recursive);
        if cut {
            *world.faults.entry("chain_cut").or_default() += 1;
        }
        if dead || cut {
            world.take(place, id);
            *world.faults.entry("dead_letter").or_default() += 1;
            match place {
                Place::Live(queue) => world.enqueue_body(Place::Dead(queue), body, chain),
                Place::Dead(_) => self.parked += 1,
            }
            return;
        }
        let Ok(message) = Message::parse(&body) else {
            return;
        };
        let repeated = receives > 1;
        if function == Function::Batch {
            world.note_delivery(&message);
        }
        drop(world);
        let ports = ModelPorts::new(&self.world, function, chain);
        self.handle(ports, (place, id), message, repeated);
    }

    pub(super) fn handle(
        &mut self,
        ports: ModelPorts,
        handles: (Place, u64),
        message: Message,
        repeated: bool,
    ) {
        let mine = ports.clone();
        match (function_of(handles.0), message) {
            (Function::Batch, Message::Batch(batch)) => {
                self.begin(ports, Some(handles), async move {
                    batch::handle(&mine, &mine, &batch).await
                });
            }
            (Function::Batch, Message::Look(look)) => {
                self.begin(ports, Some(handles), async move {
                    look::handle(&mine, &mine, &look, repeated).await
                });
            }
            (_, Message::QuietCheck(check)) => self.check_quiet(ports, handles, check),
            (_, Message::PlanAnew(message)) => self.plan_anew(ports, handles, message),
            (_, message) => self.begin(ports, Some(handles), async move {
                aggregate::handle(&mine, message).await
            }),
        }
    }
}
