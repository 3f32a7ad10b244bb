"""What tests are drawn with: timelines, exports, runs, jobs, reports, and the answers that loops give."""
