"""The checks of `relay doctor`. A check takes the Deployment, yields Findings and changes nothing."""
