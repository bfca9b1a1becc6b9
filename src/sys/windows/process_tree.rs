//! A command that ends with this process.

use std::io;
use std::os::windows::io::AsRawHandle;
use std::process::{Child, Command};
use std::sync::{Mutex, PoisonError};

use win32job::{ExtendedLimitInfo, Job};

/// A command that runs, with its descendants. They are in a job whose only handle is here: however this process ends, the
/// handle is closed, and the job ends with all that is in it.
pub struct ProcessTree(Mutex<Option<Job>>);

impl ProcessTree {
    /// Starts the command.
    pub fn start(command: &mut Command) -> io::Result<(Self, Child)> {
        let job = Job::create_with_limit_info(ExtendedLimitInfo::new().limit_kill_on_job_close());
        let job = job.map_err(io::Error::other)?;
        let mut child = command.spawn()?;
        if let Err(error) = job.assign_process(child.as_raw_handle() as isize) {
            // One that has ended already is in no job.
            if child.try_wait()?.is_none() {
                child.kill()?;
                return Err(io::Error::other(error));
            }
        }
        Ok((Self(Mutex::new(Some(job))), child))
    }

    /// Kills it.
    pub fn kill(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Drop for ProcessTree {
    /// What the command has left running in the background may go on.
    fn drop(&mut self) {
        if let Some(job) = self.0.get_mut().unwrap_or_else(PoisonError::into_inner) {
            job.set_extended_limit_info(&ExtendedLimitInfo::new()).ok();
        }
    }
}
