//! A busy host.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Threads that keep every CPU of the host busy until they are dropped, or for a time.
pub struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn start(limit: Duration) -> Result<Load, Box<dyn Error>> {
        let stop = Arc::new(AtomicBool::new(false));
        let until = Instant::now() + limit;
        let burn = |_| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) && Instant::now() < until {
                    (0..1000).for_each(|_| std::hint::spin_loop());
                }
            })
        };
        let threads = (0..std::thread::available_parallelism()?.get()).map(burn).collect();
        Ok(Load { stop, threads })
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
