//! The bounded world as a model for the checker: what may happen in a state, and what must hold.

use std::sync::Arc;

use evaluation::decide::evaluation::Evaluation;
use evaluation::decide::update::{GuardName, Key, Update, UpdateAction};
use stateright::{Model, Property};

use super::process::Process;
use super::projection::looked_at;
use super::scenario::{Begun, End, Faults, Scenario};
use super::state::State;
use super::step::{Reply, Step};
use crate::invariants;
use crate::release::Release;
use crate::table::Table;
use crate::world::Place;

/// What may happen. Processes are named by their place in the state.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// A question is asked.
    Ask(usize, Release),
    /// A message is delivered.
    Deliver(Place, Arc<str>, Release),
    /// A message is delivered, and will be once more.
    DeliverTwice(Place, Arc<str>, Release),
    /// A message was received too often.
    Die(Place, Arc<str>),
    /// A process does one of its steps.
    Step(usize, u16),
    /// A process does a write, whose reply is lost: it will be done again.
    Repeat(usize, u16),
    /// A process sends only the first of its messages.
    SendPart(usize, u16),
    /// A process finds the VLM away.
    Away(usize, u16),
    /// A process ends where it stands.
    Crash(usize),
    /// The sweeper makes a round.
    Sweep,
    /// The stream hands over what was not told yet.
    Tell(Arc<str>),
    /// The last change that was told is handed over again.
    TellAgain,
    /// A process finds that the topic takes nothing.
    Untold(usize, u16),
    /// Time passes.
    Tick,
}

/// The model.
#[derive(Debug, Clone)]
pub struct Bounded {
    /// What is explored.
    pub scenario: Scenario,
    /// The guard that is switched off.
    pub without: Option<GuardName>,
}

impl Bounded {
    fn may_tick(&self, state: &State) -> bool {
        state.clock + 1 < self.scenario.times.len()
            && state.is_unfinished()
            && (self.scenario.slow || state.is_quiet(&self.scenario))
    }

    fn may_sweep(&self, state: &State) -> bool {
        let running = state
            .processes
            .iter()
            .any(|process| *process.begun == Begun::Sweep);
        let due =
            (state.is_quiet(&self.scenario) && state.idle_sweeps < 2) || state.left.sweeps > 0;
        state.clock > 0 && !running && due && state.is_unfinished()
    }

    fn is_terminal(&self, state: &State) -> bool {
        state.is_quiet(&self.scenario) && !self.may_tick(state) && !self.may_sweep(state)
    }

    fn deliveries(&self, state: &State, actions: &mut Vec<Action>) {
        let free = state.processes.len() < self.scenario.at_once;
        for (place, body) in state.deliverable(self.scenario.often) {
            for release in self.scenario.releases.iter().filter(|_| free) {
                actions.push(Action::Deliver(*place, Arc::clone(body), *release));
                if state.left.duplicates > 0 {
                    actions.push(Action::DeliverTwice(*place, Arc::clone(body), *release));
                }
            }
            if state.left.deaths > 0 && matches!(place, Place::Live(_)) {
                actions.push(Action::Die(*place, Arc::clone(body)));
            }
        }
        Self::tellings(state, actions);
        for release in self.scenario.releases.iter().filter(|_| free) {
            let ask = |asked: &usize| Action::Ask(*asked, *release);
            actions.extend(state.unasked.iter().map(ask));
        }
    }

    /// One notifier at a time reads the stream.
    fn tellings(state: &State, actions: &mut Vec<Action>) {
        let mut running = state.processes.iter().map(|process| &*process.begun);
        if running.any(|begun| matches!(begun, Begun::Tell(_))) {
            return;
        }
        actions.extend(state.stream.batch().map(Action::Tell));
        if state.left.duplicates > 0 && state.stream.may_come_again() {
            actions.push(Action::TellAgain);
        }
    }

    fn steps(&self, state: &State, at: usize, process: &Process, actions: &mut Vec<Action>) {
        for (ticket, step) in &process.wants(&self.scenario).steps {
            Self::step(state, at, *ticket, step, actions);
        }
        if state.left.crashes > 0 {
            actions.push(Action::Crash(at));
        }
    }

    fn step(state: &State, at: usize, ticket: u16, step: &Step, actions: &mut Vec<Action>) {
        actions.push(Action::Step(at, ticket));
        match step {
            Step::Update(_) if state.left.repeats > 0 => actions.push(Action::Repeat(at, ticket)),
            Step::Look(..) if state.left.away > 0 => actions.push(Action::Away(at, ticket)),
            Step::Publish(_) if state.left.untold > 0 => actions.push(Action::Untold(at, ticket)),
            Step::Send(_, all) if all.len() > 1 && state.left.partial_sends > 0 => {
                actions.push(Action::SendPart(at, ticket));
            }
            _ => (),
        }
    }

    /// What may be done before anything else without leaving out an outcome, because it commutes with all that others
    /// do: the first step of a process that has seen nothing yet, sending, asking the VLM, putting photos nobody
    /// knows of. The process may end before it all the same. Two things are left out by it, to the seeded simulation:
    /// the notes when an evaluation was dispatched and begun are written at once or never, not late.
    fn at_once(&self, state: &State, actions: &mut Vec<Action>) -> bool {
        if let Some((place, body)) = state
            .messages
            .keys()
            .find(|(_, body)| body.contains("\"kind\":\"started\""))
        {
            // Noting that somebody has begun is the same in every release.
            let (place, body) = (*place, Arc::clone(body));
            actions.push(Action::Deliver(place, body, Release::Older));
            return true;
        }
        for (at, process) in state.processes.iter().enumerate() {
            if process.steps_done() == 0 {
                self.steps(state, at, process, actions);
                return true;
            }
            let wants = process.wants(&self.scenario);
            if let Some((ticket, step)) = wants.steps.iter().find(|(_, step)| self.commutes(step)) {
                Self::step(state, at, *ticket, step, actions);
                if state.left.crashes > 0 {
                    actions.push(Action::Crash(at));
                }
                return true;
            }
        }
        false
    }

    fn commutes(&self, step: &Step) -> bool {
        match step {
            Step::Send(..) | Step::Look(..) | Step::PutAll(_) | Step::Publish(_) => true,
            Step::Get(Key::Breaker) => {
                self.scenario.faults.away == 0 && self.scenario.failures == 0
            }
            // Answers about photos are read by nobody but a further question; when photos were changed, by the API
            // alone.
            Step::Update(Update {
                key: Key::Answer(_),
                ..
            }) => self.scenario.asks.len() == 1,
            Step::GetAll(keys) => {
                self.scenario.asks.len() == 1 && matches!(keys.first(), Some(Key::Answer(_)))
            }
            Step::Update(update)
                if matches!(
                    update.actions.first(),
                    Some(UpdateAction::Set("changed_at", _))
                ) =>
            {
                true
            }
            Step::Update(update) => {
                matches!(
                    update.actions.as_slice(),
                    [UpdateAction::SetIfAbsent("dispatched_at" | "started_at", _)]
                )
            }
            _ => false,
        }
    }

    fn wanted(&self, state: &State, at: usize, ticket: u16) -> Option<Step> {
        let wants = state.processes.get(at)?.wants(&self.scenario);
        wants
            .steps
            .iter()
            .find(|(other, _)| *other == ticket)
            .map(|(_, step)| step.clone())
    }

    fn act(&self, state: &mut State, action: Action) -> Option<()> {
        let scenario = &self.scenario;
        match action {
            Action::Ask(index, release) => {
                state.unasked.remove(&index);
                state.begin(scenario, Begun::Ask(index, release));
            }
            Action::Deliver(place, body, release) => {
                state.take(place, &body);
                state.begin(scenario, Begun::Handle(place, body, release));
            }
            Action::DeliverTwice(place, body, release) => {
                spend(&mut state.left.duplicates);
                state.begin(scenario, Begun::Handle(place, body, release));
            }
            Action::Die(place, body) => {
                spend(&mut state.left.deaths);
                state.take(place, &body);
                let Place::Live(queue) = place else {
                    return None;
                };
                state.put(Place::Dead(queue), body);
            }
            Action::Step(at, ticket) => {
                let step = self.wanted(state, at, ticket)?;
                let reply = state.carry_out(scenario, &step);
                let process = state.processes.get(at)?;
                let reply = if scenario.whole_items {
                    reply
                } else {
                    looked_at(process, &step, reply)
                };
                state.step(scenario, at, ticket, reply);
            }
            Action::Repeat(at, ticket) => {
                spend(&mut state.left.repeats);
                let Step::Update(update) = self.wanted(state, at, ticket)? else {
                    return None;
                };
                state.update(scenario, &update);
            }
            Action::SendPart(at, ticket) => {
                spend(&mut state.left.partial_sends);
                let Step::Send(queue, messages) = self.wanted(state, at, ticket)? else {
                    return None;
                };
                state.send(queue, messages.get(..1)?);
                state.step(scenario, at, ticket, Reply::Busy);
            }
            Action::Tell(batch) => state.begin(scenario, Begun::Tell(batch)),
            Action::TellAgain => {
                spend(&mut state.left.duplicates);
                state.stream.again();
            }
            Action::Untold(at, ticket) => {
                spend(&mut state.left.untold);
                state.step(scenario, at, ticket, Reply::Busy);
            }
            Action::Away(at, ticket) => {
                spend(&mut state.left.away);
                state.step(scenario, at, ticket, Reply::Away);
            }
            Action::Crash(at) => {
                spend(&mut state.left.crashes);
                state.crash(scenario, at);
            }
            Action::Sweep if state.is_quiet(&self.scenario) => {
                state.idle_sweeps += 1;
                state.begin(scenario, Begun::Sweep);
            }
            Action::Sweep => {
                spend(&mut state.left.sweeps);
                state.begin(scenario, Begun::Sweep);
            }
            Action::Tick => {
                state.clock += 1;
                state.idle_sweeps = 0;
            }
        }
        Some(())
    }
}

fn spend(budget: &mut u8) {
    *budget = budget.saturating_sub(1);
}

fn evaluations(state: &State) -> impl Iterator<Item = Evaluation> {
    let items = state
        .table
        .having("photos_total")
        .cloned()
        .map(serde_json::Value::Object);
    items.filter_map(|item| serde_json::from_value(item).ok())
}

/// Whether each evaluation came to the verdict of its own release, or to its deadline, or says which one took its place.
fn none_ended_for_another_release(state: &State) -> bool {
    evaluations(state).all(|evaluation| {
        evaluation.superseded_by.is_some()
            || invariants::ended_for_another_release(&state.table, &evaluation).is_none()
    })
}

/// Whether all have ended; but with two releases those whose deadlines come when all is over: a question that was
/// planned anew has a deadline of its own.
fn all_ended_right(scenario: &Scenario, state: &State) -> bool {
    let now = state.now(scenario);
    evaluations(state).all(|evaluation| {
        let later = scenario.releases.len() > 1 && evaluation.deadline_at > now;
        let ended = evaluation.judgement.is_some() || later;
        ended && invariants::misjudged(&state.table, &evaluation).is_none()
    })
}

/// Whether messages alone bring all evaluations to their end. The sweeper is for what broke: where nothing did, nobody
/// is to wait for it.
fn none_left_to_the_sweeper(scenario: &Scenario, state: &State) -> bool {
    let Faults {
        crashes,
        deaths,
        partial_sends,
        ..
    } = scenario.faults;
    let may_break = crashes > 0 || deaths > 0 || partial_sends > 0 || scenario.releases.len() > 1;
    let goes_on = !state.messages.is_empty() || !state.is_quiet(scenario);
    may_break || goes_on || !state.is_unfinished()
}

fn holds(state: &State, number: &str) -> bool {
    !state
        .violations
        .iter()
        .any(|violation| violation.0.starts_with(number))
}

fn verdict(state: &State, name: &str) -> bool {
    let verdicts = state
        .table
        .having("judgement")
        .filter_map(|item| item.get("judgement")?.get("verdict"));
    verdicts.into_iter().any(|verdict| verdict == name)
}

impl Model for Bounded {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut table = Table::default();
        table.without = self.without;
        vec![State::new(&self.scenario, table)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        // What goes wrong stays wrong: nothing is to be learned beyond it.
        if !state.violations.is_empty() {
            return;
        }
        if self.at_once(state, actions) {
            return;
        }
        self.deliveries(state, actions);
        let mut last = None;
        for (at, process) in state.processes.iter().enumerate() {
            // Of two that have seen the same, it does not matter which goes on.
            if last.replace(process.digest) != Some(process.digest) {
                self.steps(state, at, process, actions);
            }
        }
        if self.may_sweep(state) {
            actions.push(Action::Sweep);
        }
        if self.may_tick(state) {
            actions.push(Action::Tick);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        self.act(&mut state, action)?;
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = vec![
            Property::<Self>::always(
                "1: final only with an outcome of every photo",
                |_, state| holds(state, "1:"),
            ),
            Property::<Self>::always("2: pass and fail never change", |_, state| {
                holds(state, "2:")
            }),
            Property::<Self>::always(
                "3: every evaluation ends, with the verdict of its photos",
                |model, state| !model.is_terminal(state) || all_ended_right(&model.scenario, state),
            ),
            Property::<Self>::always(
                "3: nothing is left to the sweeper, unless something broke",
                |model, state| none_left_to_the_sweeper(&model.scenario, state),
            ),
            Property::<Self>::always("4: doubled deliveries change nothing", |_, state| {
                holds(state, "4:")
            }),
            Property::<Self>::always("5: a photo has its own outcome", |_, state| {
                holds(state, "5:")
            }),
            Property::<Self>::always("8: progress never goes back", |_, state| holds(state, "8:")),
            Property::<Self>::always("9: no score without an answer", |_, state| {
                holds(state, "9:")
            }),
            Property::<Self>::always(
                "11: each verdict that stands is told, and no other",
                |model, state| {
                    let ended = !model.is_terminal(state) || state.stream.all_told();
                    holds(state, "11:") && ended
                },
            ),
            Property::<Self>::always(
                "12: every evaluation is of one release, or planned anew",
                |model, state| {
                    let ended = !model.is_terminal(state) || none_ended_for_another_release(state);
                    holds(state, "12:") && ended
                },
            ),
            Property::<Self>::always("what each guard is for", |_, state| {
                state.violations.iter().all(|violation| {
                    violation
                        .0
                        .starts_with(|first: char| first.is_ascii_digit())
                })
            }),
        ];
        let Faults {
            crashes,
            duplicates,
            repeats,
            partial_sends,
            away,
            deaths,
            sweeps,
            untold,
        } = self.scenario.faults;
        let fault = |most: u8, name, happened| {
            (most > 0).then(|| Property::<Self>::sometimes(name, happened))
        };
        all.extend(
            [
                fault(crashes, "crash", |model, state| {
                    state.left.crashes < model.scenario.faults.crashes
                }),
                fault(duplicates, "duplicate", |model, state| {
                    state.left.duplicates < model.scenario.faults.duplicates
                }),
                fault(repeats, "repeated write", |model, state| {
                    state.left.repeats < model.scenario.faults.repeats
                }),
                fault(partial_sends, "partial send", |model, state| {
                    state.left.partial_sends < model.scenario.faults.partial_sends
                }),
                fault(away, "VLM away", |model, state| {
                    state.left.away < model.scenario.faults.away
                }),
                fault(deaths, "dead letter", |model, state| {
                    state.left.deaths < model.scenario.faults.deaths
                }),
                fault(untold, "topic that takes nothing", |model, state| {
                    state.left.untold < model.scenario.faults.untold
                }),
                fault(sweeps, "sweep in between", |model, state| {
                    state.left.sweeps < model.scenario.faults.sweeps
                }),
            ]
            .into_iter()
            .flatten(),
        );
        all.extend(self.scenario.ends.iter().map(|end| match end {
            End::Pass => Property::<Self>::sometimes("pass", |_, state| verdict(state, "pass")),
            End::Fail => Property::<Self>::sometimes("fail", |_, state| verdict(state, "fail")),
            End::Incomplete => {
                Property::<Self>::sometimes("incomplete", |_, state| verdict(state, "incomplete"))
            }
            End::Upgraded => {
                Property::<Self>::sometimes("upgraded after late answers", |_, state| {
                    evaluations(state).any(|evaluation| evaluation.revision > 1)
                })
            }
            End::Superseded => Property::<Self>::sometimes("superseded", |_, state| {
                state.table.having("superseded_by").next().is_some()
            }),
        }));
        all
    }
}
