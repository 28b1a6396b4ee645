//! ClamAV: scans, canaries and a supervised clamd.
