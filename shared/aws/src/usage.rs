//! What an invocation used: memory, CPU, and whether it was its process's first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use evaluation::figures::{Figure, Metric};
use rustix::time::{ClockId, clock_gettime};

use crate::configuration::optional;
use crate::telemetry;

/// Lambda gives one virtual CPU for so many megabytes of memory
/// (docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
const MEGABYTES_PER_CPU: f64 = 1769.0;

static WARM: AtomicBool = AtomicBool::new(false);

/// Does an invocation's work, and notes what it used.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// assert_eq!(aws::usage::measured("api", async { 7 }).await, 7);
/// # });
/// ```
pub async fn measured<T>(function: &'static str, work: impl Future<Output = T>) -> T {
    let is_cold = !WARM.swap(true, Ordering::Relaxed);
    let (began, cpu) = (Instant::now(), cpu_time());
    let result = work.await;
    let used = Used {
        wall: began.elapsed(),
        cpu: cpu_time().saturating_sub(cpu),
        peak_kilobytes: peak_kilobytes(),
        megabytes: optional("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").and_then(|size| size.parse().ok()),
    };
    let cold = Figure::whether(Metric::ColdStart, is_cold);
    let figures = used.figures().into_iter().chain([cold]);
    let figures: Vec<Figure> = figures.map(|figure| figure.by(function)).collect();
    telemetry::emit(&figures);
    result
}

/// What was used of what there is.
struct Used {
    wall: Duration,
    cpu: Duration,
    peak_kilobytes: Option<f64>,
    megabytes: Option<f64>,
}

impl Used {
    /// Without knowing how much memory there is, nothing can be said.
    fn figures(&self) -> Vec<Figure> {
        let Some(megabytes) = self.megabytes.filter(|megabytes| *megabytes > 0.0) else {
            return Vec::new();
        };
        let cpus = megabytes / MEGABYTES_PER_CPU;
        let wall = self.wall.max(Duration::from_millis(1)).as_secs_f64();
        let cpu = 100.0 * self.cpu.as_secs_f64() / (wall * cpus);
        let memory = self.peak_kilobytes.map(|peak| {
            let used = 100.0 * peak / (megabytes * 1024.0);
            Figure::exactly(Metric::MemoryUsed, used)
        });
        memory
            .into_iter()
            .chain([Figure::exactly(Metric::CpuUsed, cpu)])
            .collect()
    }
}

fn cpu_time() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanos) = (u64::try_from(spent.tv_sec), u32::try_from(spent.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

/// The largest resident size that the process ever had. Only Linux says so in this way.
fn peak_kilobytes() -> Option<f64> {
    peak_of(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn peak_of(status: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_cpu_are_of_what_the_function_has() {
        let used = Used {
            wall: Duration::from_secs(2),
            cpu: Duration::from_secs(1),
            peak_kilobytes: peak_of("Name:\tapi\nVmHWM:\t  181146 kB\n"),
            megabytes: Some(1769.0),
        };
        let values: Vec<_> = used
            .figures()
            .iter()
            .map(|figure| (figure.metric, figure.value.round()))
            .collect();
        assert_eq!(
            values,
            [(Metric::MemoryUsed, 10.0), (Metric::CpuUsed, 50.0)]
        );
    }

    #[test]
    fn where_nobody_says_how_much_there_is_no_share_is_made_up() {
        let used = Used {
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
            peak_kilobytes: None,
            megabytes: None,
        };
        assert!(used.figures().is_empty());
    }

    #[test]
    fn this_process_has_used_something() {
        assert!(cpu_time() > Duration::ZERO);
        assert!(peak_kilobytes().is_none_or(|peak| peak > 1000.0));
    }
}
