"""What tests are drawn with: timelines, exports, runs, programs and machines that lack something."""
