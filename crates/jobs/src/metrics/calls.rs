//! What the gateway counted, under Pub's names (reference, 11.8).

use super::{JOB, family, metric};
use prometheus::proto::{Bucket, Counter, Histogram, Metric, MetricFamily, MetricType};
use router::{CallCounts, JobCounts};
use std::collections::HashMap;

/// Name and version of a job.
type Labels<'j> = [(&'j str, &'j str); 2];

/// The families of `counts`; of jobs, those in `known`: name and version by id.
pub(crate) fn families(counts: &CallCounts, known: &HashMap<String, (String, String)>) -> Vec<MetricFamily> {
    let faults = counts.refused + counts.broken + counts.late + counts.canceled;
    let sums = [
        ("pub_job_proxy_requests_started", "Calls that came", counts.started as f64),
        ("pub_job_proxy_requests_done", "Calls that are over", counts.done as f64),
        ("pub_overall_job_proxy_response_time", "Seconds that all calls took", seconds(counts.micros)),
        ("pub_job_proxy_request_errors", "Calls that were not let through", counts.turned_away as f64),
        ("pub_auth_successful", "Callers who might call", counts.permitted as f64),
        ("pub_auth_failed", "Callers who might not", counts.denied as f64),
        ("pub_job_proxy_errors", "Calls that got no whole answer of their job", faults as f64),
        ("pub_job_proxy_connection_refused_errors", "Those whose job could not be reached", counts.refused as f64),
        ("pub_job_proxy_connection_broken_errors", "Those whose job went away", counts.broken as f64),
        ("pub_job_proxy_context_deadline_errors", "Those whose job took too long", counts.late as f64),
        ("pub_job_proxy_context_canceled_errors", "Those whose caller went away", counts.canceled as f64),
    ];
    let mut all: Vec<MetricFamily> = sums
        .into_iter()
        .map(|(name, help, value)| family(MetricType::COUNTER, name, help, vec![counter(&[], value)]))
        .collect();
    let jobs: Vec<(Labels<'_>, &JobCounts)> = counts
        .jobs
        .iter()
        .filter_map(|job| {
            let (name, version) = known.get(&job.id)?;
            Some(([(JOB[0], name.as_str()), (JOB[1], version.as_str())], job))
        })
        .collect();
    let mut add = |kind, name, help, metrics| all.push(family(kind, name, help, metrics));
    let requests = jobs.iter().map(|(labels, job)| counter(labels, job.requests as f64)).collect();
    add(MetricType::COUNTER, "pub_job_proxy_requests", "Calls of a job that were let through", requests);
    let codes = jobs.iter().flat_map(|([name, version], job)| {
        job.statuses
            .iter()
            .map(|(code, count)| counter(&[*name, *version, ("status_code", &code.to_string())], *count as f64))
    });
    let codes = codes.collect();
    add(MetricType::COUNTER, "pub_job_proxy_response_codes", "Answers to calls of a job by status", codes);
    let times = jobs.iter().map(|(labels, job)| counter(labels, seconds(job.micros))).collect();
    add(MetricType::COUNTER, "pub_job_call_response_time", "Seconds that calls of a job took", times);
    let slots = jobs.iter().map(|(labels, job)| histogram(labels, job)).collect();
    let help = "How long calls of a job took, in seconds";
    add(MetricType::HISTOGRAM, "pub_job_call_response_time_histogram", help, slots);
    all
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

fn counter(labels: &[(&str, &str)], value: f64) -> Metric {
    let (mut metric, mut counter) = (metric(labels), Counter::default());
    counter.set_value(value);
    metric.set_counter(counter);
    metric
}

fn histogram(labels: &[(&str, &str)], job: &JobCounts) -> Metric {
    let (mut metric, mut histogram) = (metric(labels), Histogram::default());
    let (mut below, mut bound) = (0, 0.001);
    let mut buckets = Vec::new();
    for count in &job.slots[..job.slots.len().saturating_sub(1)] {
        below += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(bound);
        bucket.set_cumulative_count(below);
        buckets.push(bucket);
        bound *= 2.0;
    }
    histogram.set_bucket(buckets);
    histogram.set_sample_count(job.slots.iter().sum());
    histogram.set_sample_sum(seconds(job.micros));
    metric.set_histogram(histogram);
    metric
}

#[cfg(test)]
mod tests {
    use super::{CallCounts, JobCounts, families};
    use prometheus::TextEncoder;

    #[test]
    fn what_the_gateway_counted_is_said_as_prometheus_reads_it() {
        let mut job =
            JobCounts { id: "a".into(), requests: 3, micros: 1_500_000, slots: vec![0; 22], ..Default::default() };
        (job.slots[0], job.slots[1], job.slots[21]) = (1, 1, 1);
        job.statuses.insert(200, 2);
        let other = JobCounts { id: "b".into(), requests: 9, ..Default::default() };
        let counts = CallCounts { started: 4, refused: 1, late: 1, jobs: vec![job, other], ..Default::default() };
        let known = [("a".to_owned(), ("adder".to_owned(), "1.0.0".to_owned()))].into();
        let mut all = families(&counts, &known);
        all.retain(|family| !family.get_metric().is_empty());
        let text = TextEncoder::new().encode_to_string(&all).unwrap();
        let job = "job_name=\"adder\",job_version=\"1.0.0\"";
        for line in [
            "# TYPE pub_job_proxy_requests_started counter".to_owned(),
            "pub_job_proxy_requests_started 4".into(),
            "pub_job_proxy_errors 2".into(),
            format!("pub_job_proxy_requests{{{job}}} 3"),
            format!("pub_job_proxy_response_codes{{{job},status_code=\"200\"}} 2"),
            format!("pub_job_call_response_time{{{job}}} 1.5"),
            "# TYPE pub_job_call_response_time_histogram histogram".into(),
            format!("pub_job_call_response_time_histogram_bucket{{{job},le=\"0.001\"}} 1"),
            format!("pub_job_call_response_time_histogram_bucket{{{job},le=\"0.002\"}} 2"),
            format!("pub_job_call_response_time_histogram_bucket{{{job},le=\"1048.576\"}} 2"),
            format!("pub_job_call_response_time_histogram_bucket{{{job},le=\"+Inf\"}} 3"),
            format!("pub_job_call_response_time_histogram_count{{{job}}} 3"),
        ] {
            assert!(text.lines().any(|told| told == line), "{line}\n{text}");
        }
        assert_eq!(text.matches("histogram_bucket").count(), 22, "{text}");
    }
}
