"""features → candidate: labels, samples, fit, calibration, judgement, reasons, bundle."""
