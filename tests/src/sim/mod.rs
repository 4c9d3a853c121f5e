//! The simulation: the real engine over a real database, driven by a seed.
//!
//! The seed decides what is asked, together with what, what is asked twice, which answers nobody hears, where the process
//! is stopped, and how time passes. Clock, ids and the order of everything are its own, so a seed always tells the same
//! story. After every step the log is folded by the oracle, and the rows and answers are held against a model.
//!
//! Reading order: `ask` (what is asked), `dice` (what the seed makes of it), `world` (the engine, and its end), `model`
//! (what must be true), this file (a step).

mod ask;
mod dice;
mod model;
mod world;

use std::time::Duration;

use baton_server::simulation::Point;
use futures::future::join_all;

use self::ask::{Answer, Ask};
use self::dice::Dice;
use self::model::Model;
use self::world::World;

/// Steps of one seed.
const STEPS: usize = 24;
/// For as long as a busy machine may take for one seed.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a seed did, line by line. The same seed always does the same.
#[derive(Debug, Default)]
pub struct Story {
    /// What was asked and answered, and then the log.
    pub lines: Vec<String>,
    /// How often the process was stopped.
    pub stops: usize,
    /// Events in the log.
    pub events: usize,
}

/// A seed that showed something which must not be.
#[derive(Debug)]
pub struct Broken {
    /// Which.
    pub seed: u64,
    /// What is wrong.
    pub findings: Vec<String>,
    /// Up to there.
    pub story: Story,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for line in &self.story.lines {
            writeln!(f, "    {line}")?;
        }
        for finding in &self.findings {
            writeln!(f, "FOUND {finding}")?;
        }
        let seed = self.seed;
        write!(
            f,
            "seed {seed} is broken; `cargo xtask sim --seed {seed}` replays it"
        )
    }
}

/// Runs one seed on a database of its own.
///
/// # Errors
/// What must not be.
///
/// # Panics
/// The database cannot be made or opened.
pub fn run(seed: u64) -> Result<Story, Box<Broken>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let mut story = Story::default();
    let lived = runtime.expect("a runtime can be made").block_on(async {
        let lived = tokio::time::timeout(PATIENCE, live(seed, &mut story));
        lived
            .await
            .unwrap_or_else(|_| Err(vec!["somebody waits for ever".to_owned()]))
    });
    match lived {
        Ok(()) => Ok(story),
        Err(findings) => Err(Box::new(Broken {
            seed,
            findings,
            story,
        })),
    }
}

async fn live(seed: u64, story: &mut Story) -> Result<(), Vec<String>> {
    let mut dice = Dice::new(seed);
    let mut world = World::open(seed, dice.batch_commands()).await;
    let mut model = Model::default();
    for number in 0..STEPS {
        story.lines.push(format!("step {number}"));
        ask_together(&mut world, &mut model, (&mut dice, story)).await?;
        let mut settled = false;
        if dice.settles() {
            settled = settle(&mut world, &mut model, (&mut dice, story)).await?;
        }
        model.check(&world, settled).await?;
        let passed = dice.time_passes();
        story.lines.push(format!("{passed:?} pass"));
        world.pass(passed);
    }
    // Whatever was stopped in between, it all comes to an end.
    world.restart().await;
    world.settle().await.map_err(|error| vec![error])?;
    model.check(&world, true).await?;
    story.events = model.log().len();
    story.lines.extend(model.log().iter().map(|event| {
        let kind = baton_proto::v1::TaskEventType::try_from(event.r#type).unwrap_or_default();
        format!(
            "{} {} {} {kind:?} {:?}",
            event.position, event.task_id, event.sequence, event.time
        )
    }));
    Ok(())
}

/// Asks several things at once, so that batches have neighbours; the process may be stopped meanwhile.
async fn ask_together(
    world: &mut World,
    model: &mut Model,
    (dice, story): (&mut Dice, &mut Story),
) -> Result<(), Vec<String>> {
    let asks: Vec<Ask> = (0..dice.together()).map(|_| dice.ask(world, model)).collect();
    let stop = dice.stop();
    let mut answers: Vec<Option<Answer>> = vec![None; asks.len()];
    let stopped = {
        let engine = world.engine();
        let all = join_all(asks.iter().zip(&mut answers).map(|(ask, answer)| async {
            *answer = Some(ask.put(engine).await);
        }));
        world::until_stopped(stop, all).await
    };
    let heard = asks.iter().map(|_| dice.is_heard()).collect::<Vec<_>>();
    for ((ask, answer), heard) in asks.into_iter().zip(answers).zip(heard) {
        let answer = answer.filter(|_| heard);
        story
            .lines
            .push(format!("{ask} -> {}", ask::spell(answer.as_ref())));
        model.hear(ask, answer, stopped.is_err());
    }
    if let Err(batch) = stopped {
        stopped_at(world, model, (stop, &batch), story).await?;
    }
    Ok(())
}

/// Lets happen what happens by itself; answers whether it came to its end.
async fn settle(
    world: &mut World,
    model: &mut Model,
    (dice, story): (&mut Dice, &mut Story),
) -> Result<bool, Vec<String>> {
    let stop = dice.stop();
    match world::until_stopped(stop, world.settle()).await {
        Ok(done) => done.map(|()| true).map_err(|error| vec![error]),
        Err(batch) => {
            stopped_at(world, model, (stop, &batch), story).await?;
            Ok(false)
        }
    }
}

/// The process is gone, and another goes on: what was on disk is there, and nothing else is.
async fn stopped_at(
    world: &mut World,
    model: &mut Model,
    (stop, batch): (Option<(Point, u32)>, &world::Stopped),
    story: &mut Story,
) -> Result<(), Vec<String>> {
    let point = stop.map(|(point, _)| point);
    story.lines.push(format!("stopped {point:?}"));
    story.stops += 1;
    world.restart().await;
    model
        .check_stop(world, point == Some(Point::AfterCommit), batch)
        .await
}
